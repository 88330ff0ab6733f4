-- Append one batch of a session's entries: check owner and epoch, recognise a repeat, refuse a gap.
-- KEYS: 1 meta, 2 log
-- ARGV: 1 owner id, 2 epoch, 3 previous offset, 4 head offset after this batch, 5 encoded entries
-- Reply: "appended" | "fenced" | "behind" | "absent"
-- With the head as the previous offset it appends nothing and only tells who the owner is.
-- Atomic, and safe to repeat: the same batch twice lands once, because the owner has only one batch under way. [O3]
local owner, epoch, prev, head = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local meta = redis.call('HMGET', KEYS[1], 'owner', 'epoch', 'head', 'identity')
if not meta[1] then return 'absent' end
-- Of another process: what stands here may have been rolled back, the owner's name too. Nothing lands until a new epoch begins.
if string.match(redis.call('INFO', 'server'), 'run_id:(%w+)') ~= meta[4] then return 'behind' end
if meta[1] ~= owner then return 'fenced' end
if meta[2] ~= epoch then return 'behind' end
if meta[3] == head then return 'appended' end
if meta[3] ~= prev then return 'behind' end
redis.call('XADD', KEYS[2], head .. '-0', 'e', ARGV[5])
redis.call('HSET', KEYS[1], 'head', head, 'appends', 1)
return 'appended'
