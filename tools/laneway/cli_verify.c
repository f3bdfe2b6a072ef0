#include <inttypes.h>

#include <jansson.h>

#include "laneway/cli.h"

struct check {
	struct cli *cli;
	bool told; /* the result has come */
};

static uint64_t number(json_t *o, const char *key)
{
	json_int_t v = json_integer_value(json_object_get(o, key));

	return v > 0 ? (uint64_t)v : 0;
}

static void put_progress(struct cli *c, json_t *o)
{
	if (c->progress)
		fprintf(c->err, "\r%" PRIu64 " of %" PRIu64 " packs", number(o, "done"),
		        number(o, "total"));
}

static int put_result(struct cli *c, json_t *o)
{
	const char *error = json_string_value(json_object_get(o, "error"));
	char epochs[27], packs[27], events[27];

	if (c->progress)
		fputs("\r\033[K", c->err);
	if (!json_is_true(json_object_get(o, "ok"))) {
		if (!c->json) {
			fputs("journal: ", c->out);
			cli_put(c->out, error ? error : "a fault without a name");
			putc('\n', c->out);
		}
		return CLI_PROBLEM;
	}
	cli_count(number(o, "epochs"), epochs);
	cli_count(number(o, "packs"), packs);
	cli_count(number(o, "events"), events);
	if (!c->json)
		fprintf(c->out, "journal whole: %s events in %s packs, epochs: %s\n", events, packs,
		        epochs);
	return CLI_STOP;
}

static int line_cb(void *ctx, const char *text, size_t len)
{
	struct check *v = ctx;
	json_t *o = json_loadb(text, len, 0, NULL);
	int rc = CLI_OK;

	if (v->cli->json)
		fprintf(v->cli->out, "%s\n", text);
	if (json_object_get(o, "ok")) {
		v->told = true;
		rc = put_result(v->cli, o);
	} else {
		put_progress(v->cli, o);
	}
	json_decref(o);
	fflush(v->cli->out);
	return rc;
}

int cli_verify(struct cli *c, char **args)
{
	struct check v = {.cli = c};
	const struct cli_stream s = {.path = "/api/v1/journal/verify",
	                             .post = true,
	                             .line = line_cb,
	                             .ctx = &v,
	                             .at_end = CLI_UNREACHABLE};
	int rc = cli_follow(c, &s);

	(void)args;
	if (rc == CLI_UNREACHABLE && !v.told)
		fputs("laneway: lanewayd went away before the journal was checked\n", c->err);
	if (rc == CLI_OK && !v.told)
		return CLI_PROBLEM; /* interrupted: nothing is known */
	return rc;
}
