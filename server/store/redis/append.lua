-- Append batches of entries, one for each of some sessions: check owner and epoch, recognise a repeat, refuse a gap.
-- KEYS: for each session meta, log
-- ARGV: milliseconds to keep a log, then for each session "<previous offset> <head offset after its batch> <epoch> <owner id>", encoded entries
-- Reply: for each session "appended" | "fenced" | "behind" | "absent", or what Redis said when it could not be done
-- With the head as the previous offset it appends nothing and only tells who the owner is.
-- Each batch is atomic for itself, and safe to repeat: twice lands once, because an owner has only one of a session under way. [O3]
local identity = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')

local function append(meta_key, log_key, place, entries)
  local prev, head, epoch, owner = string.match(place, '^(%d+) (%d+) (%S+) (.+)$')
  local meta = redis.pcall('HMGET', meta_key, 'owner', 'epoch', 'head', 'identity', 'covered')
  if meta.err then return meta.err end
  if not meta[1] then return 'absent' end
  -- Of another process: what stands here may have been rolled back, the owner's name too. Nothing lands until a new epoch begins.
  if identity ~= meta[4] then return 'behind' end
  if meta[1] ~= owner then return 'fenced' end
  if meta[2] ~= epoch then return 'behind' end
  if meta[3] == head then return 'appended' end
  if meta[3] ~= prev then return 'behind' end
  local added = redis.pcall('XADD', log_key, head .. '-0', 'e', entries)
  if type(added) == 'table' and added.err then return added.err end
  -- It was empty, and outside of a cluster it is a new key now. It may outlive its session, and never ends before it.
  if meta[5] == prev then redis.call('PEXPIRE', log_key, ARGV[1]) end
  redis.call('HSET', meta_key, 'head', head, 'appends', 1)
  return 'appended'
end

local replies = {}
for place = 1, #KEYS / 2 do
  replies[place] = append(KEYS[2 * place - 1], KEYS[2 * place], ARGV[2 * place], ARGV[2 * place + 1])
end
return replies
