end

local done, answer = pcall(run)
while not done and so_far.stage do
  so_far.stage = nil
  done, answer = pcall(run, answer)
end
return done and answer or redis.error_reply(text_of(answer))
