  some = {
    remove_keys = remove_keys,
    keep = keep,
    promote = promote,
    await_children = await_children,
    limit_all = limit_all,
    limited_for = limited_for,
  }
  return some
end
