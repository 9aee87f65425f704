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
    is_nowhere = is_nowhere,
    mend = mend,
    undo = undo,
    copy_failed = copy_failed,
    move_away = move_away,
    limit_all = limit_all,
    limited_for = limited_for,
  }
  return rare
end
