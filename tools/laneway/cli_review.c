/* laneway review, block, unblock: identifiers that a person has to look at. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "event/event.h"
#include "event/member.h"
#include "laneway/cli.h"

#define VALUE_BYTES_MAX 512

static const char *text(const json_t *o, const char *key)
{
	const char *value = json_string_value(json_object_get(o, key));

	return value ? value : "";
}

static void print_row(struct cli *c, const json_t *row)
{
	fprintf(c->out, "%-8s  %-8s  ", text(row, "state"), text(row, "kind"));
	cli_put(c->out, text(row, "value"));
	fprintf(c->out, "  since %s  %s", text(row, "since"), text(row, "words"));
	if (text(row, "reason")[0]) {
		fputs(": ", c->out);
		cli_put(c->out, text(row, "reason"));
	}
	fputc('\n', c->out);
}

static void print_all(struct cli *c, const json_t *root)
{
	const json_t *list = json_object_get(root, "review");

	for (size_t i = 0; i < json_array_size(list); i++)
		print_row(c, json_array_get(list, i));
	if (json_array_size(list) == 0)
		fputs("Nothing waits for a person.\n", c->out);
	else
		fputs("\nlaneway unblock KIND --reason TEXT clears one; the value is read from "
		      "standard input.\n",
		      c->out);
}

int cli_review(struct cli *c, char **args)
{
	struct buf body = {0};
	int rc = cli_get(c, "/api/v1/review", &body);

	(void)args;
	json_t *root = rc == CLI_OK ? json_loadb((const char *)body.data, body.len, 0, NULL) : NULL;
	if (rc == CLI_OK && !root) {
		fputs("laneway: the daemon's answer is not JSON\n", c->err);
		rc = CLI_PROBLEM;
	} else if (root && c->json) {
		fwrite(body.data, 1, body.len, c->out);
		fputc('\n', c->out);
	} else if (root) {
		print_all(c, root);
	}
	json_decref(root);
	buf_free(&body);
	return rc;
}

static int say(struct cli *c, const char *path, const char *kind, const char *done)
{
	char value[VALUE_BYTES_MAX + 2] = "";
	struct buf json = {0}, body = {0};
	int rc = CLI_USAGE;

	if (!c->reason || !c->reason[0]) {
		fputs("laneway: --reason TEXT is missing: why it is done is kept\n", c->err);
		return CLI_USAGE;
	}
	if (!fgets(value, sizeof value, c->in))
		value[0] = '\0';
	value[strcspn(value, "\r\n")] = '\0';
	if (!value[0]) {
		fputs("laneway: expected the value on standard input\n", c->err);
		return CLI_USAGE;
	}
	buf_byte(&json, '{');
	member_text(&json, "kind", kind);
	member_text(&json, "reason", c->reason);
	member_text(&json, "value", value);
	buf_add(&json, "}", 2); /* with its NUL */
	rc = json.failed ? CLI_PROBLEM : cli_post(c, path, (const char *)json.data, &body);
	if (rc == CLI_OK)
		fprintf(c->out, "%s\n", c->json ? "{}" : done);
	if (json.data)
		explicit_bzero(json.data, json.len);
	explicit_bzero(value, sizeof value);
	buf_free(&json);
	buf_free(&body);
	return rc;
}

int cli_block(struct cli *c, char **args)
{
	return say(c, "/api/v1/block", args[0],
	           "Blocked: it finds nobody in this store from now on, and HQ hears of it.");
}

int cli_unblock(struct cli *c, char **args)
{
	return say(c, "/api/v1/unblock", args[0], "Cleared: it finds again from the next scan on.");
}
