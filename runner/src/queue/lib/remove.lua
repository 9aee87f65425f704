-- The keys of a job. What was put aside of it (lib/keys.lua) goes when somebody
-- removes the job; when the queue itself drops a finished one, which is done for
-- each job that ends, it stays.
local function remove_keys(key)
  return call('DEL', key, key .. ':logs', key .. ':dependencies', key .. ':processed', key .. ':failed', key .. ':unsuccessful')
end

-- The number of its keys that there were.
local function remove_job(key)
  call('DEL', key .. ':corrupt', key .. ':logs:corrupt', key .. ':dependencies:corrupt', key .. ':processed:corrupt',
    key .. ':failed:corrupt', key .. ':unsuccessful:corrupt')
  return remove_keys(key)
end
