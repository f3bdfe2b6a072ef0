#include "hq/cmd/hq_cmd_args.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event/event.h"
#include "hq/base/hq_conf.h"
#include "store/db.h"

#define HQ_CMD_WORDS_MAX 64 /* of a command line */

static bool take_word(int argc, char **argv, const char *name, const char **out)
{
	if (!name || optind < argc) {
		*out = name ? argv[optind++] : NULL;
		return true;
	}
	if (name[0] == '[')
		return true;
	fprintf(stderr, "laneway-hq %s: %s is missing\n", argv[0], name);
	return false;
}

/* Those of evaluate and duplicates. */
static bool take_hint_option(struct hq_cmd_args *out, int letter)
{
	switch (letter) {
	case 'u':
		out->curve = optarg;
		return true;
	case 'g':
		out->region = optarg;
		return true;
	case 'd':
		return out->defaults = true;
	case 'e':
		return out->estimate = true;
	case 'p':
		return out->suggest = true;
	case 'S':
		out->since = optarg;
		return true;
	case 'o':
		out->source = optarg;
		return true;
	case 'l':
		out->limit = optarg;
		return true;
	case 'b':
		out->bits = optarg;
		return true;
	case 'R':
		out->reason = optarg;
		return true;
	case 'y':
		return out->yes = true;
	case 'w':
		return out->why = true;
	case 'A':
		out->author = optarg;
		return true;
	case 'T':
		return out->table = true;
	default:
		return false; /* getopt has said it */
	}
}

static bool take_option(struct hq_cmd_args *out, int letter)
{
	switch (letter) {
	case 'c':
		out->conf_path = optarg;
		return true;
	case 'j':
		return out->json = true;
	case 'n':
		return out->check = true;
	case 'r':
		out->raw = optarg;
		return true;
	case 's':
		out->settle = optarg;
		return true;
	case 'i':
		return out->ingest = true;
	case 't':
		out->store = optarg;
		return true;
	default:
		return take_hint_option(out, letter);
	}
}

/* One reference in 64 begins with a hyphen, and is no option. */
static bool is_reference(const char *word)
{
	static const char base64url[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

	return word[0] == '-' && strlen(word) == EVENT_ID_SIZE - 1 &&
	       word[strspn(word, base64url)] == '\0';
}

/* The words with such references behind all others and a "--", for getopt; their number, 0: they
 * are more than HQ_CMD_WORDS_MAX. */
static int references_last(int argc, char **argv, char *out[HQ_CMD_WORDS_MAX + 2])
{
	static char end_of_options[] = "--";
	bool ended = false; /* by the user */
	int n = 0;

	if (argc > HQ_CMD_WORDS_MAX)
		return 0;
	for (int i = 0; i < argc; i++) {
		ended |= strcmp(argv[i], end_of_options) == 0;
		if (ended || !is_reference(argv[i]))
			out[n++] = argv[i];
	}
	if (n < argc && !ended)
		out[n++] = end_of_options;
	for (int i = 0; i < argc && strcmp(argv[i], end_of_options) != 0; i++) {
		if (is_reference(argv[i]))
			out[n++] = argv[i];
	}
	out[n] = NULL;
	return n;
}

int hq_cmd_args_read(int count, char **words, const struct hq_cmd_form *form,
                     struct hq_cmd_args *out)
{
	char *argv[HQ_CMD_WORDS_MAX + 2];
	int letter, argc = references_last(count, words, argv);

	if (argc == 0) {
		fprintf(stderr, "laneway-hq %s: too many words\n", words[0]);
		return -1;
	}
	*out = (struct hq_cmd_args){.command = argv[0], .conf_path = HQ_CONF_DEFAULT};
	optind = 0; /* glibc: from anew, whatever was read before */
	while ((letter = getopt_long(argc, argv, form->letters, form->options, NULL)) != -1) {
		if (!take_option(out, letter))
			return -1;
	}
	if (!take_word(argc, argv, form->first, &out->word) ||
	    !take_word(argc, argv, form->second, &out->second))
		return -1;
	if (optind == argc)
		return 0;
	fprintf(stderr, "laneway-hq %s: \"%s\" is too much\n", argv[0], argv[optind]);
	return -1;
}

int hq_cmd_args_fail(const struct hq_cmd_args *a, const char *why)
{
	fprintf(stderr, "laneway-hq %s: %s\n", a->command, why);
	return EXIT_NOT_DONE;
}

struct hq_conf *hq_cmd_args_conf(const struct hq_cmd_args *a)
{
	char err[HQ_CMD_ERR_SIZE];
	struct hq_conf *conf = NULL;

	if (hq_conf_read(a->conf_path, &conf, err, sizeof err) == 0)
		return conf;
	hq_cmd_args_fail(a, err);
	return NULL;
}

struct sqlite3 *hq_cmd_args_reader(const struct hq_cmd_args *a, const struct hq_conf *conf)
{
	char path[sizeof conf->data + 16], err[HQ_CMD_ERR_SIZE];
	struct sqlite3 *db = NULL;

	snprintf(path, sizeof path, "%s/hq.db", conf->data);
	if (db_open_reader(&db, path, err, sizeof err) == 0)
		return db;
	hq_cmd_args_fail(a, err);
	return NULL;
}

void hq_cmd_args_print(const struct hq_cmd_args *a, json_t *answer, void (*print)(const json_t *))
{
	if (a->json && json_dumpf(answer, stdout, JSON_COMPACT) == 0)
		putchar('\n');
	if (!a->json)
		print(answer);
	json_decref(answer);
}

const char *hq_cmd_args_actor(void)
{
	const char *name = getenv("SUDO_USER");

	if (!name || !name[0])
		name = getenv("USER");
	return name && name[0] && strlen(name) <= 64 ? name : "hq";
}
