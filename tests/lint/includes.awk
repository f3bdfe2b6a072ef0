# Who may include whom, and call what. Rooms know only what stands under them; each library has one place.
# Prints FILE:LINE: rule.

BEGIN {
	# rooms that a room may include, besides itself
	room["base"] = ""
	room["event"] = "base laneway"
	room["store"] = "base event laneway"
	room["identity"] = "base event laneway store/shard.h"
	room["capture"] = "base event laneway"
	room["sale"] = "base event identity laneway"
	room["sync"] = "base event store laneway"
	room["conf"] = "base identity/field.h identity/ident.h"
	room["flow"] = "base event capture conf identity laneway sale store sync"
	room["serve"] = "base event store flow/flow.h"

	# rooms of tools/hq, likewise; all of them may use the daemon's
	room["hq/ca"] = ""
	room["hq/base"] = ""
	room["hq/intake"] = "hq/base"
	room["hq/identity"] = "hq/base"
	room["hq/hint"] = "hq/base"
	room["hq/prove"] = "hq/base hq/intake"
	room["hq/tell"] = "hq/base hq/identity hq/hint hq/prove"
	room["hq/serve"] = "hq/base hq/intake hq/identity hq/prove hq/tell"
	room["hq/cmd"] = "hq/base hq/intake hq/identity hq/hint hq/prove hq/serve"

	# where a library's header may stand: pattern of the header -> pattern of the file
	place["^libserialport[.]h$"] = "^daemon/capture/port[.]c$"
	place["^mosquitto"] = "^daemon/sync/mqtt[.]c$"
	place["^openssl/"] = "^(daemon/store/vault[a-z0-9_]*|tools/hq/ca/[a-z0-9_]*)[.][ch]$"
	place["^phonenumbers/"] = "^daemon/identity/phone[.]cc$"
	place["^idn2[.]h$"] = "^daemon/identity/email[.]c$"
	place["^unicode/"] = "^daemon/identity/(field_form|email|score_text)[.]c$"
	place["^sqlite3[.]h$"] = "^(daemon/store|tools/hq)/"
	place["^zstd"] = "^(daemon/store|daemon/sync|tools)/"
	place["^confuse[.]h$"] = "^(daemon/conf/[a-z0-9_]*|tools/.*conf[a-z0-9_]*)[.][ch]$"
	place["^systemd/"] = "^daemon/[a-z0-9_]*[.]c$"
	place["^event2/"] = "^(daemon/[a-z0-9_]*[.][ch]|daemon/(capture|flow|serve)/|tools/)"
	place["^curl/"] = "^tools/"
	place["^expat[.]h$"] = "^$"
}

function wrong(rule)
{
	print FILENAME ":" FNR ": " rule
}

# The room that a file stands in, or a header is of: "store", or "hq/intake" of the tools.
function room_of(path)
{
	sub("^(daemon|tools)/", "", path)
	return match(path, "^(hq/)?[a-z]+/") ? substr(path, 1, RLENGTH - 1) : ""
}

function may(mine, header,    list, n, i, target)
{
	target = room_of(header)
	if (target == mine)
		return 1
	n = split(room[mine], list, " ")
	for (i = 1; i <= n; i++)
		if (list[i] == target || list[i] == header)
			return 1
	return 0
}

function check_own(header,    mine)
{
	mine = room_of(FILENAME)
	if (FILENAME ~ /^(daemon|tools\/hq)\/[a-z]+\//) {
		if (!(mine in room))
			wrong("room " mine " has no line in tests/lint/includes.awk")
		else if ((mine !~ /^hq/ || header ~ /^hq/) && !may(mine, header))
			wrong(mine " may not include \"" header "\"")
	} else if (FILENAME ~ /^daemon\// && header ~ /^(hq|sim|laneway_cli|bench)\//) {
		wrong("the daemon may not include \"" header "\" of the tools")
	} else if (FILENAME ~ /^include\// && header !~ /^laneway\//) {
		wrong("include/ stands alone, without \"" header "\"")
	}
}

function check_library(header,    pattern)
{
	for (pattern in place)
		if (header ~ pattern && FILENAME !~ place[pattern])
			wrong("<" header "> does not belong here (tests/lint/includes.awk says where)")
}

/^[ \t]*#[ \t]*include/ {
	header = $0
	sub(/^[^<"]*[<"]/, "", header)
	sub(/[>"].*/, "", header)
	if ($0 ~ /"/)
		check_own(header)
	if (FILENAME !~ /^tests\//)
		check_library(header)
}

/sqlite3_open[a-z0-9_]*\(/ && FILENAME !~ /^(daemon\/store\/db[.]c|tools\/hq\/|tests\/)/ {
	wrong("sqlite3_open stands only in daemon/store/db.c and tools/hq")
}

/(^|[^a-z_])(malloc|calloc|realloc|strdup)\(/ && FILENAME ~ /^(daemon\/(identity|event)|tools\/hq)\/.*[.]c$/ {
	wrong("what HQ runs allocates by base/memory.h: a failure is counted there, and nothing is committed behind it")
}
