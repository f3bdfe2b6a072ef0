/* A test's own folder: made where TMPDIR says (else where the system says), gone with all that is
 * in it when the test drops it, at the latest when the program ends. So it goes too when an
 * assertion jumped out of the test; only a crash leaves it. */
#ifndef LANEWAY_TESTS_FOLDER_H
#define LANEWAY_TESTS_FOLDER_H

#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Sockets stand in these folders, and their paths are short. */
#define FOLDER_SIZE 64
#define FOLDER_DEPTH_FDS 8

struct folder_kept {
	struct folder_kept *next;
	char path[FOLDER_SIZE];
	pid_t maker; /* a child that exits leaves its parent's folders */
};
static struct folder_kept *folder_kept;

static inline int folder_drop_one(const char *path, const struct stat *st, int type,
                                  struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* Now, with all that is in it. */
static inline void folder_drop(const char *path)
{
	struct folder_kept **at = &folder_kept, *kept;

	while (*at && strcmp((*at)->path, path) != 0)
		at = &(*at)->next;
	if ((kept = *at)) {
		*at = kept->next;
		free(kept);
	}
	if (nftw(path, folder_drop_one, FOLDER_DEPTH_FDS, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) != 0)
		perror(path);
}

static inline void folder_drop_all(void)
{
	char path[FOLDER_SIZE];

	while (folder_kept && folder_kept->maker == getpid()) {
		memcpy(path, folder_kept->path, sizeof path);
		folder_drop(path);
	}
}

/* A new folder whose name begins with `name`; never fails, it ends the program. */
static inline void folder_make(char path[FOLDER_SIZE], const char *name)
{
	static bool at_exit;
	const char *asked = getenv("TMPDIR"), *top = asked && *asked ? asked : P_tmpdir;
	struct folder_kept *kept = calloc(1, sizeof *kept);
	int n = snprintf(path, FOLDER_SIZE, "%s/%s-XXXXXX", top, name);

	if (n >= FOLDER_SIZE) {
		fprintf(
		    stderr,
		    "the folder for temporary files (TMPDIR) is %s, expected %d characters less\n",
		    top, n + 1 - FOLDER_SIZE);
		abort();
	}
	if (!kept || !mkdtemp(path)) {
		perror(path);
		abort();
	}
	memcpy(kept->path, path, FOLDER_SIZE);
	kept->maker = getpid();
	kept->next = folder_kept;
	folder_kept = kept;
	if (!at_exit)
		atexit(folder_drop_all);
	at_exit = true;
}

/* A file in the folder with this text. */
static inline void folder_put(const char *path, const char *name, const char *text, mode_t mode)
{
	char at[FOLDER_SIZE + 200];
	FILE *f;

	snprintf(at, sizeof at, "%s/%s", path, name);
	f = fopen(at, "w");
	if (!f || fputs(text, f) < 0 || fclose(f) != 0 || chmod(at, mode) != 0) {
		perror(at);
		abort();
	}
}

#endif
