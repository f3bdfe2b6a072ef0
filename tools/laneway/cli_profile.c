#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>
#include <jansson.h>

#include "laneway/cli.h"

#define ID_BYTES_MAX 32

static void put_value(FILE *f, json_t *v)
{
	char *text;

	if (json_is_string(v)) {
		cli_put(f, json_string_value(v));
		return;
	}
	text = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);
	cli_put(f, text ? text : "");
	free(text);
}

/* Aligned under the longest name. */
static void put_profile(struct cli *c, json_t *o)
{
	const char *key;
	json_t *v;
	int width = 0;

	json_object_foreach(o, key, v)
	{
		if ((int)strlen(key) > width)
			width = (int)strlen(key);
	}
	json_object_foreach(o, key, v)
	{
		fputs(c->colour ? "\033[2m" : "", c->out);
		cli_put(c->out, key);
		fprintf(c->out, "%*s%s", width - (int)strlen(key) + 2, "",
		        c->colour ? "\033[0m" : "");
		put_value(c->out, v);
		putc('\n', c->out);
	}
}

/* As lines, or as a list of them in one object. */
static void put_lines(struct cli *c, const struct buf *body)
{
	char *text = strndup((const char *)body->data, body->len);
	json_t *list = json_array();

	for (char *line = text, *end; line && (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		json_array_append_new(list, json_string(line));
		if (c->json)
			continue;
		cli_put(c->out, line);
		putc('\n', c->out);
	}
	if (c->json) {
		json_t *o = json_pack("{s:o}", "why", json_incref(list));
		json_dumpf(o, c->out, JSON_COMPACT);
		putc('\n', c->out);
		json_decref(o);
	}
	json_decref(list);
	free(text);
}

static int show(struct cli *c, const struct buf *body)
{
	json_t *o = NULL;

	if (c->why) {
		put_lines(c, body);
		return CLI_OK;
	}
	o = json_loadb((const char *)body->data, body->len, 0, NULL);
	if (!json_is_object(o)) {
		fputs("laneway: the daemon's answer is not JSON\n", c->err);
		json_decref(o);
		return CLI_PROBLEM;
	}
	if (c->json)
		fprintf(c->out, "%.*s\n", (int)body->len, (const char *)body->data);
	else
		put_profile(c, o);
	json_decref(o);
	return CLI_OK;
}

int cli_profile(struct cli *c, char **args)
{
	char path[sizeof("/api/v1/profiles//why") + 3 * ID_BYTES_MAX], *escaped;
	struct buf body = {0};
	int rc;

	if (strlen(args[0]) > ID_BYTES_MAX || !(escaped = curl_easy_escape(NULL, args[0], 0))) {
		fprintf(c->err, "laneway: a customer id has 1 to %d characters\n", ID_BYTES_MAX);
		return CLI_USAGE;
	}
	snprintf(path, sizeof(path), "/api/v1/profiles/%s%s", escaped, c->why ? "/why" : "");
	curl_free(escaped);
	rc = cli_get(c, path, &body);
	if (rc == CLI_OK)
		rc = show(c, &body);
	buf_free(&body);
	return rc;
}
