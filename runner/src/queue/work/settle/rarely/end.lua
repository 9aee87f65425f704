  rare = {
    child_completed = child_completed,
    child_failed = child_failed,
    forget_child = forget_child,
    release_deduplication = release_deduplication,
    quarantine = quarantine,
    quarantine_key = quarantine_key,
    names_job = names_job,
    put_back = put_back,
    is_nowhere = is_nowhere,
    mend = mend,
    undo = undo,
    copy_failed = copy_failed,
    tell_webhook = tell_webhook,
    move_away = move_away,
  }
  return rare
end
