/* laneway-bench: subcommands as a table. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "bench/bench.h"

static const struct {
	const char *name;
	int (*run)(const struct bench_params *p);
} commands[] = {
    {"journal", bench_journal},
    {"raw", bench_raw},
    {"open", bench_open},
    {"redis", bench_redis},
    {"screen", bench_screen},
    {"load", bench_load},
    {"bytes", bench_bytes},
    {"pieces", bench_pieces},
    {"train", bench_train},
    {"shard-fill", bench_shard_fill},
    {"shard-find", bench_shard_find},
    {"month", bench_month},
};

int main(int argc, char **argv)
{
	struct bench_params p = {
	    .events = 1000, .flight = 1, .count = 100, .seconds = 10, .seed = 1};
	const struct {
		const char *name;
		const char **text;
		uint64_t *number;
	} options[] = {
	    {"lines", &p.lines, NULL},   {"keys", &p.keys, NULL},
	    {"dir", &p.dir, NULL},       {"batches", &p.batches, NULL},
	    {"link", &p.link, NULL},     {"cards", &p.cards, NULL},
	    {"lane", &p.lane, NULL},     {"token", &p.token, NULL},
	    {"events", NULL, &p.events}, {"flight", NULL, &p.flight},
	    {"port", NULL, &p.port},     {"count", NULL, &p.count},
	    {"rate", NULL, &p.rate},     {"seconds", NULL, &p.seconds},
	    {"delay", NULL, &p.delay},   {"out", &p.out, NULL},
	    {"bare", &p.bare, NULL},     {"store", &p.store, NULL},
	    {"ids", NULL, &p.ids},       {"seed", NULL, &p.seed},
	};

	for (int i = 2; i < argc; i++) {
		char *value = strchr(argv[i], '=');
		bool known = false;
		for (size_t k = 0; value && k < sizeof options / sizeof options[0]; k++) {
			size_t n = strlen(options[k].name);
			if (strncmp(argv[i], options[k].name, n) != 0 || argv[i] + n != value)
				continue;
			if (options[k].text)
				*options[k].text = value + 1;
			known =
			    options[k].text || num_u64(value + 1, 0, UINT32_MAX, options[k].number);
		}
		if (!known) {
			fprintf(stderr, "laneway-bench: %s?\n", argv[i]);
			return 2;
		}
	}
	for (size_t i = 0; argc > 1 && i < sizeof commands / sizeof commands[0]; i++) {
		if (strcmp(argv[1], commands[i].name) == 0) {
			bench_sync_delay(p.delay);
			return commands[i].run(&p);
		}
	}
	fputs("usage: laneway-bench journal|open|raw|redis|screen|load|bytes|pieces|train|"
	      "shard-fill|shard-find|month "
	      "NAME=VALUE ...\n",
	      stderr);
	return 2;
}
