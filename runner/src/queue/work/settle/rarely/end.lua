  rare = {
    child_completed = child_completed,
    child_failed = child_failed,
    forget_child = forget_child,
    release_deduplication = release_deduplication,
    remove_keys = remove_keys,
    keep = keep,
    quarantine = quarantine,
    quarantine_key = quarantine_key,
    promote = promote,
    put_back = put_back,
    take_out = take_out,
    is_nowhere = is_nowhere,
    is_forbidden = is_forbidden,
    mend = mend,
    mend_job = mend_job,
    bury = bury,
    move = move,
    limit_all = limit_all,
    limited_for = limited_for,
  }
  return rare
end
