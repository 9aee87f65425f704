  rare = {
    child_completed = child_completed,
    child_failed = child_failed,
    forget_child = forget_child,
    release_deduplication = release_deduplication,
    remove_keys = remove_keys,
    keep = keep,
    quarantine = quarantine,
    promote = promote,
    bury = bury,
    move = move,
    limit_all = limit_all,
    limited_for = limited_for,
  }
  return rare
end
