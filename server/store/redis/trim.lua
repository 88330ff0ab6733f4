-- For each of some sessions replace the part of the log that Postgres holds by the snapshot that covers it, and keep the keys for
-- another while.
-- KEYS: for each session meta, log, snapshot
-- ARGV: milliseconds to keep the keys, whether an empty log has to be a key, 1 or 0, then for each session owner id, epoch, offset of
--   the snapshot, snapshot
-- Reply: for each session "appended" | "fenced" | "behind" | "absent", as for an append, or what Redis said when it could not be done
-- Each session is atomic for itself: a reader sees the old snapshot with the whole log, or the new one with the rest. One that lands
-- late changes nothing.
local identity = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')

local function trim(meta_key, log_key, snapshot_key, owner, epoch, covered, snapshot)
  local offset = tonumber(covered)
  local meta = redis.pcall('HMGET', meta_key, 'owner', 'epoch', 'head', 'covered', 'identity')
  if meta.err then return meta.err end
  if not meta[1] then return 'absent' end
  if identity ~= meta[5] then return 'behind' end
  if meta[1] ~= owner then return 'fenced' end
  if meta[2] ~= epoch or offset > tonumber(meta[3]) then return 'behind' end
  if offset <= tonumber(meta[4]) then return 'appended' end
  -- What frees memory first: a server that is out of it refuses a script that begins with what grows, and could never be emptied.
  local trimmed = redis.pcall('XTRIM', log_key, 'MINID', (offset + 1) .. '-0')
  if type(trimmed) == 'table' and trimmed.err then return trimmed.err end
  redis.call('SET', snapshot_key, snapshot, 'PX', ARGV[1])
  redis.call('HSET', meta_key, 'covered', covered)
  redis.call('PEXPIRE', meta_key, ARGV[1])
  if ARGV[2] == '1' or redis.call('XLEN', log_key) > 0 then
    redis.call('PEXPIRE', log_key, ARGV[1])
  else
    -- Most sessions are quiet and their logs empty: an empty stream would be a third of what each of them takes.
    redis.call('DEL', log_key)
  end
  return 'appended'
end

local replies = {}
for place = 1, #KEYS / 3 do
  local key, arg = 3 * place, 4 * place + 2
  replies[place] = trim(KEYS[key - 2], KEYS[key - 1], KEYS[key], ARGV[arg - 3], ARGV[arg - 2], ARGV[arg - 1], ARGV[arg])
end
return replies
