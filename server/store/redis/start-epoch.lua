-- Begin a new life of a session's log from a snapshot. Whatever stood here was read and merged, or proven stale, at take-over.
-- KEYS: 1 meta, 2 log, 3 snapshot
-- ARGV: 1 owner id, 2 term, 3 epoch, 4 head offset, 5 snapshot, 6 kind, 7 schema version, 8 milliseconds to keep the keys,
--   9 whether an empty log has to be a key, 1 or 0
-- Reply: "appended" | "fenced" | "behind"
-- Atomic. A higher term, or another owner of the same term, refuses; so does a log of this very epoch that has gone on since, for a
-- call that lands late must not set it back.
local owner, term, epoch, head = ARGV[1], tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])
local meta = redis.call('HMGET', KEYS[1], 'owner', 'term', 'epoch', 'head', 'identity')
local identity = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
if meta[1] then
  if tonumber(meta[2]) > term or (tonumber(meta[2]) == term and meta[1] ~= owner) then return 'fenced' end
  if meta[3] == epoch and meta[5] == identity and tonumber(meta[4]) > head then return 'behind' end
end
-- First of all: a server that is out of memory refuses what grows at the beginning of a script, and no more once it has written.
-- Refused later, it would be the log of a session whose every append it refuses.
redis.call('SET', KEYS[3], ARGV[5], 'PX', ARGV[8])
redis.call('DEL', KEYS[2])
redis.call('HDEL', KEYS[1], 'appends')
if ARGV[9] == '1' then -- an empty stream can only be made with a group
  redis.call('XGROUP', 'CREATE', KEYS[2], 'none', '0', 'MKSTREAM')
  redis.call('XGROUP', 'DESTROY', KEYS[2], 'none')
  redis.call('PEXPIRE', KEYS[2], ARGV[8])
end
redis.call('HSET', KEYS[1], 'owner', owner, 'term', ARGV[2], 'epoch', epoch, 'head', ARGV[4], 'covered', ARGV[4],
  'kind', ARGV[6], 'version', ARGV[7], 'identity', identity)
redis.call('PEXPIRE', KEYS[1], ARGV[8])
return 'appended'
