/* What every other test relies on for its files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka needs the three above in front. */
#include <cmocka.h>
#include <sys/wait.h>

#include "folder.h"

/* A program that makes a folder, does this with it and ends; where the folder was. */
static void end_after(void (*act)(const char *path), char path[FOLDER_SIZE])
{
	int fds[2], status = -1;

	assert_int_equal(pipe(fds), 0);
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		char made[FOLDER_SIZE] = "";
		folder_make(made, "ended");
		if (write(fds[1], made, sizeof made) != (ssize_t)sizeof made)
			_exit(1);
		act(made);
		exit(0);
	}
	assert_int_equal(read(fds[0], path, FOLDER_SIZE), FOLDER_SIZE);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(fds[0]);
	close(fds[1]);
}

static void fill(const char *path)
{
	char below[FOLDER_SIZE + 8];

	folder_put(path, "file", "text", 0400);
	snprintf(below, sizeof below, "%s/below", path);
	mkdir(below, 0700);
	folder_put(below, "file", "text", 0600);
}

static void a_folder_goes_with_the_program_and_all_that_is_in_it(void **state)
{
	char path[FOLDER_SIZE];
	(void)state;

	end_after(fill, path);
	assert_int_equal(access(path, F_OK), -1);
}

static void let_a_child_end(const char *path)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0)
		exit(0);
	if (waitpid(pid, &status, 0) != pid || access(path, F_OK) != 0)
		_exit(1);
}

static void a_child_that_ends_leaves_its_parents_folder(void **state)
{
	char path[FOLDER_SIZE];
	(void)state;

	end_after(let_a_child_end, path);
	assert_int_equal(access(path, F_OK), -1);
}

static void a_folder_that_is_dropped_is_gone_at_once_and_others_stay(void **state)
{
	char one[FOLDER_SIZE], two[FOLDER_SIZE];
	(void)state;

	folder_make(one, "one");
	folder_make(two, "two");
	fill(one);
	folder_drop(one);
	assert_int_equal(access(one, F_OK), -1);
	assert_int_equal(access(two, F_OK), 0);
	folder_drop(two);
	assert_int_equal(access(two, F_OK), -1);
}

static void folders_are_made_where_tmpdir_says(void **state)
{
	char top[FOLDER_SIZE], in[FOLDER_SIZE];
	const char *before = getenv("TMPDIR");
	char *old = before ? strdup(before) : NULL;
	(void)state;

	folder_make(top, "top");
	setenv("TMPDIR", top, 1);
	folder_make(in, "in");
	assert_memory_equal(in, top, strlen(top));
	assert_int_equal(in[strlen(top)], '/');
	if (old)
		setenv("TMPDIR", old, 1);
	else
		unsetenv("TMPDIR");
	free(old);
	folder_drop(in);
	folder_drop(top);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_folder_goes_with_the_program_and_all_that_is_in_it),
	    cmocka_unit_test(a_child_that_ends_leaves_its_parents_folder),
	    cmocka_unit_test(a_folder_that_is_dropped_is_gone_at_once_and_others_stay),
	    cmocka_unit_test(folders_are_made_where_tmpdir_says),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
