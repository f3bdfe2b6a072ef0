/* What the commands of `laneway` share: how it was called, the way to the daemon, exit codes. */
#ifndef LANEWAY_TOOLS_CLI_H
#define LANEWAY_TOOLS_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"

/* Exit status. CLI_STOP is none: a line function's "enough", which ends well. */
enum cli_exit { CLI_STOP = -1, CLI_OK, CLI_PROBLEM, CLI_USAGE, CLI_UNREACHABLE };

struct cli {
	const char *socket; /* path of the daemon's local socket; NULL: url */
	const char *url;    /* "http://127.0.0.1:8080"; NULL: socket */
	bool json;
	bool why;           /* --why */
	bool colour;        /* standard output is a terminal that wants it */
	bool progress;      /* standard error is a terminal */
	const char *reason; /* --reason, or NULL */
	FILE *in;           /* where a value is read from */
	FILE *out, *err;    /* tests read what was said */
};

/* One command. args: what stands behind its name, NULL-terminated. */
int cli_status(struct cli *c, char **args);
int cli_tail(struct cli *c, char **args);
int cli_verify(struct cli *c, char **args);
int cli_profile(struct cli *c, char **args);
int cli_statements(struct cli *c, char **args);
int cli_review(struct cli *c, char **args);
int cli_block(struct cli *c, char **args);
int cli_note(struct cli *c, char **args);
int cli_details(struct cli *c, char **args);
int cli_find(struct cli *c, char **args);
int cli_unblock(struct cli *c, char **args);

/* ---- the daemon (cli_client.c) ---- */

/* A whole answer into out. CLI_OK; else what was wrong has been said: CLI_PROBLEM (refused by the
 * daemon) or CLI_UNREACHABLE. */
int cli_get(struct cli *c, const char *path, struct buf *out);
/* The same for a POST of this JSON object. */
int cli_post(struct cli *c, const char *path, const char *json, struct buf *out);

/* An answer line by line, as the lines come, without their newline (NUL behind them). line returns
 * CLI_OK to go on; anything else ends it and is returned (CLI_STOP as CLI_OK). Ends with CLI_OK
 * when interrupted (SIGINT, SIGTERM, closed standard output), with `at_end` when the daemon ends
 * the answer, with CLI_PROBLEM or CLI_UNREACHABLE as above. */
typedef int cli_line_fn(void *ctx, const char *line, size_t len);
struct cli_stream {
	const char *path;
	bool post; /* an empty JSON object */
	cli_line_fn *line;
	void *ctx;
	int at_end;
};
int cli_follow(struct cli *c, const struct cli_stream *s);

/* ---- words (cli_text.c) ---- */

/* Text from outside onto a terminal: control characters become '?'. */
void cli_put(FILE *f, const char *text);
/* "1,234" */
void cli_count(uint64_t n, char out[27]);
/* "12 s", "3 min", "2 h 5 min", "4 d 2 h" */
void cli_duration(int64_t s, char out[32]);
/* "900 bytes", "12 KiB", "3.4 MiB" */
void cli_bytes(uint64_t n, char out[32]);
/* "2026-11-21 18:02" in the machine's zone; "never" when iso is no time. */
void cli_local_time(const char *iso, char out[32]);
/* What a person reads of an event: who is left out. Keys in braces are properties. NULL: not in the
 * table. */
const char *cli_event_words(const char *event);

#endif
