/* laneway: ask a running lanewayd. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <curl/curl.h>

#include "base/version.h"
#include "laneway/cli.h"

#define SOCKET_DEFAULT "/run/laneway/api.sock"

struct command {
	const char *name, *sub; /* "journal", "verify" */
	const char *arg;        /* what it needs behind it, or NULL */
	int (*run)(struct cli *c, char **args);
	const char *what, *more;
};

static const struct command commands[] = {
    {"status", NULL, NULL, cli_status, "how the box is; what is wrong comes first",
     "Exit status 1 when something is wrong. With --json: the daemon's status object."},
    {"tail", NULL, NULL, cli_tail, "events as they are kept, until interrupted",
     "Nobody is named. With --json: the canonical lines as they are kept, one a line.\n"
     "Exit status 3 when the daemon goes away."},
    {"journal", "verify", NULL, cli_verify, "check every pack, hash and chain of the journal",
     "The daemon does it beside its work. Exit status 1 when there is a fault.\n"
     "With --json: progress and result, one object a line."},
    {"statements", NULL, NULL, cli_statements, "the days that were closed, and HQ's word on them",
     "A day is proven once HQ has countersigned it. Exit status 1 when one is lost or disputed, "
     "or\n"
     "when days are not closed now. With --json: the daemon's object."},
    {"review", NULL, NULL, cli_review, "identifiers that wait for a person to look at them",
     "Shared, blocked and doubtful ones, with the reason and since when; values are masked.\n"
     "With --json: the daemon's object."},
    {"block", NULL, "KIND", cli_block,
     "make a value nobody's: --reason TEXT, the value is read from "
     "standard input",
     "KIND is loyalty, phone, email or another kind of identifier. The value is never an argument: "
     "other\nusers of the machine could read it. It takes effect at once, and HQ hears of it."},
    {"unblock", NULL, "KIND", cli_unblock,
     "take a block back, or clear a shared value: the same way",
     "What was counted of the value is forgotten too. See laneway block --help."},
    {"note", NULL, "LANE", cli_note,
     "a manager's note on the customer who stands on a lane, read from standard input",
     "At most 200 characters, over after 90 days; an empty one takes back what was said before.\n"
     "A customer may see it who asks what is known of them."},
    {"details", NULL, "LANE", cli_details,
     "notes and contact of the customer in the sale on a lane, as a tap on its screen shows",
     "Phone and e-mail only of who showed a card or wallet. That somebody looked is kept before "
     "it\nis answered. With --json: the daemon's object."},
    {"find", NULL, "LANE", cli_find,
     "who has this phone number or e-mail address, read from standard input",
     "In an open sale on that lane, or with --reason TEXT, of at most 200 characters. Each look-up "
     "is\nkept with its reason, found or not, and counts with those of the cashier who serves "
     "there.\nThe name is masked while no sale is open. With --json: the daemon's object."},
    {"profile", NULL, "ID", cli_profile, "a customer as cached in this store",
     "ID is HQ's customer id. With --json: the profile object. With --why: what this store knows, "
     "in "
     "one\nline for each identifier, value and consent: which fact or choice says so, its source, "
     "date and\ntrust, and what stood before it."},
};

static void put_usage(FILE *f)
{
	fputs("usage: laneway [--socket PATH | --url http://127.0.0.1:PORT] [--json] COMMAND\n\n",
	      f);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		const struct command *m = &commands[i];
		char name[40];
		snprintf(name, sizeof(name), "%s%s%s%s%s", m->name, m->sub ? " " : "",
		         m->sub ? m->sub : "", m->arg ? " " : "", m->arg ? m->arg : "");
		fprintf(f, "  %-16s %s\n", name, m->what);
	}
	fputs("\n  --socket PATH    the daemon's socket (LANEWAY_SOCKET, or " SOCKET_DEFAULT ")\n"
	      "  --url URL        its loopback port instead: status, statements, details, find\n"
	      "  --json           for programs\n"
	      "  --reason TEXT    why, for block, unblock and find\n"
	      "  --why            for profile: how each of it is known\n"
	      "  --help           this, or more about a command\n"
	      "  --version\n",
	      f);
}

static void put_command(FILE *f, const struct command *m)
{
	fprintf(f, "usage: laneway [OPTIONS] %s%s%s%s%s\n\n%s\n%s\n", m->name, m->sub ? " " : "",
	        m->sub ? m->sub : "", m->arg ? " " : "", m->arg ? m->arg : "", m->what, m->more);
}

static int usage_error(const char *what, const char *which)
{
	fprintf(stderr, "laneway: %s%s (laneway --help)\n", what, which);
	return CLI_USAGE;
}

/* The command that these words name; *rest is what stands behind it. */
static const struct command *find_command(char **words, char ***rest)
{
	for (size_t i = 0; words[0] && i < sizeof(commands) / sizeof(commands[0]); i++) {
		const struct command *m = &commands[i];
		if (strcmp(words[0], m->name) != 0)
			continue;
		if (m->sub && (!words[1] || strcmp(words[1], m->sub) != 0))
			continue;
		*rest = words + (m->sub ? 2 : 1);
		return m;
	}
	return NULL;
}

static int run(struct cli *c, char **words, bool help)
{
	char **rest;
	const struct command *m = find_command(words, &rest);

	if (help) {
		if (m)
			put_command(stdout, m);
		else
			put_usage(stdout);
		return CLI_OK;
	}
	if (!words[0]) {
		put_usage(stderr);
		return CLI_USAGE;
	}
	if (!m)
		return usage_error("no such command: ", words[0]);
	if (m->arg && !rest[0])
		return usage_error("expected ", m->arg);
	if (rest[m->arg ? 1 : 0])
		return usage_error("not expected: ", rest[m->arg ? 1 : 0]);
	return m->run(c, rest);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
	    {"socket", required_argument, NULL, 's'}, {"url", required_argument, NULL, 'u'},
	    {"json", no_argument, NULL, 'j'},         {"reason", required_argument, NULL, 'r'},
	    {"why", no_argument, NULL, 'w'},          {"help", no_argument, NULL, 'h'},
	    {"version", no_argument, NULL, 'V'},      {NULL, 0, NULL, 0}};
	struct cli c = {
	    .socket = getenv("LANEWAY_SOCKET"), .in = stdin, .out = stdout, .err = stderr};
	bool help = false;
	int option, rc;

	if (!c.socket || !c.socket[0])
		c.socket = SOCKET_DEFAULT;
	while ((option = getopt_long(argc, argv, "s:u:jhVr:w", options, NULL)) != -1) {
		switch (option) {
		case 's':
			c.socket = optarg;
			break;
		case 'u':
			c.url = optarg;
			break;
		case 'r':
			c.reason = optarg;
			break;
		case 'w':
			c.why = true;
			break;
		case 'j':
			c.json = true;
			break;
		case 'h':
			help = true;
			break;
		case 'V':
			printf("laneway %s\n", version_text());
			return CLI_OK;
		default:
			return CLI_USAGE;
		}
	}
	c.colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
	c.progress = isatty(STDERR_FILENO) && !c.json;
	signal(SIGPIPE, SIG_IGN);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	rc = run(&c, argv + optind, help);
	curl_global_cleanup();
	/* A reader that has gone is no problem of ours; a full disk is. */
	if (fflush(stdout) != 0 && errno != EPIPE && rc == CLI_OK)
		rc = CLI_PROBLEM;
	return rc;
}
