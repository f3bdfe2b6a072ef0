#include <string.h>
#include <time.h>

#include <jansson.h>

#include "base/clock.h"
#include "laneway/cli.h"

static void put_time(FILE *f, const char *text)
{
	int64_t wall_us;
	time_t s;
	struct tm tm;

	if (!text || clock_parse_iso8601(text, &wall_us) != 0) {
		fputs("            ", f);
		return;
	}
	s = (time_t)(wall_us / 1000000);
	localtime_r(&s, &tm);
	fprintf(f, "%02d:%02d:%02d.%03d", tm.tm_hour, tm.tm_min, tm.tm_sec,
	        (int)(wall_us / 1000 % 1000));
}

static void put_value(FILE *f, json_t *v)
{
	if (json_is_string(v))
		cli_put(f, json_string_value(v));
	else if (json_is_integer(v))
		fprintf(f, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
	else if (json_is_boolean(v))
		fputs(json_is_true(v) ? "yes" : "no", f);
	else
		putc('-', f);
}

/* "{kind}, {method}": braces hold properties. */
static void put_words(FILE *f, const char *words, json_t *properties)
{
	while (*words) {
		const char *end = *words == '{' ? strchr(words, '}') : NULL;
		if (!end) {
			putc(*words++, f);
			continue;
		}
		put_value(f, json_object_getn(properties, words + 1, (size_t)(end - words - 1)));
		words = end + 1;
	}
}

static void put_event(struct cli *c, json_t *line)
{
	const char *event = json_string_value(json_object_get(line, "event"));
	json_t *laneway = json_object_get(json_object_get(line, "context"), "laneway");
	const char *lane = json_string_value(json_object_get(laneway, "lane"));
	const char *words = event ? cli_event_words(event) : NULL;

	put_time(c->out, json_string_value(json_object_get(line, "originalTimestamp")));
	fputs("  ", c->out);
	if (lane) {
		fputs("lane ", c->out);
		cli_put(c->out, lane);
	} else {
		fputs("box   ", c->out);
	}
	fprintf(c->out, "  %s%-22s%s", c->colour ? "\033[1m" : "", event ? event : "?",
	        c->colour ? "\033[0m" : "");
	if (words)
		put_words(c->out, words, json_object_get(line, "properties"));
	if (json_is_true(json_object_get(laneway, "training")))
		fputs(" (training)", c->out);
	putc('\n', c->out);
}

static int line_cb(void *ctx, const char *text, size_t len)
{
	struct cli *c = ctx;
	json_t *line;

	if (c->json) {
		fwrite(text, 1, len, c->out);
		putc('\n', c->out);
	} else {
		line = json_loadb(text, len, 0, NULL);
		if (line)
			put_event(c, line);
		json_decref(line);
	}
	return fflush(c->out) == 0 ? CLI_OK : CLI_STOP; /* nobody reads any more */
}

int cli_tail(struct cli *c, char **args)
{
	const struct cli_stream s = {
	    .path = "/api/v1/tail", .line = line_cb, .ctx = c, .at_end = CLI_UNREACHABLE};

	(void)args;
	return cli_follow(c, &s);
}
