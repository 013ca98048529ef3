/* timing: times commands side by side, A B C A B C ..., and prints the median of each and its ratio
 * to the first. Whole processes from fork to wait, wall clock.
 *
 *   timing [-n ROUNDS] [-w WARMUPS] [-s] LABEL COMMAND... :: LABEL COMMAND... [:: ...]
 *
 * -s: before each command, and not in its time, everything is written to the disk: a command that
 * syncs must not pay for what the one before has left behind, which does not.
 *
 * One line a command: label, median, minimum, maximum in milliseconds, ratio to the first. A
 * command that fails ends the measurement with its status: a failing thing must not look fast.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum { COMMANDS_MAX = 8, ROUNDS_MAX = 1000 };

struct command {
	const char *label;
	char **argv;
	double ms[ROUNDS_MAX];
};

static double now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double run_once(const struct command *c)
{
	posix_spawn_file_actions_t quiet;
	pid_t pid;
	int status;
	posix_spawn_file_actions_init(&quiet);
	posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&quiet, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	double start = now_ms();
	int r = posix_spawnp(&pid, c->argv[0], &quiet, NULL, c->argv, environ);
	if (r) {
		fprintf(stderr, "timing: %s: %s\n", c->argv[0], strerror(r));
		exit(127);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	double taken = now_ms() - start;
	posix_spawn_file_actions_destroy(&quiet);
	if (status) {
		fprintf(stderr, "timing: %s ended with status %d\n", c->label, status);
		exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128);
	}
	return taken;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static int parse_commands(int argc, char **argv, struct command *commands)
{
	int n = 0;
	for (int i = 0; i < argc && n < COMMANDS_MAX; i++) {
		commands[n].label = argv[i];
		commands[n++].argv = argv + i + 1;
		while (i < argc && strcmp(argv[i], "::") != 0)
			i++;
		if (i < argc)
			argv[i] = NULL;
	}
	return n;
}

int main(int argc, char **argv)
{
	static struct command commands[COMMANDS_MAX];
	int rounds = 20, warmups = 2, opt;
	bool syncs = false;
	while ((opt = getopt(argc, argv, "+n:w:s")) != -1) {
		if (opt == 'n')
			rounds = atoi(optarg);
		else if (opt == 'w')
			warmups = atoi(optarg);
		else if (opt == 's')
			syncs = true;
		else
			return 2;
	}
	int n = parse_commands(argc - optind, argv + optind, commands);
	if (n == 0 || rounds < 1 || rounds > ROUNDS_MAX) {
		fprintf(stderr,
			"usage: timing [-n ROUNDS] [-w WARMUPS] [-s] LABEL COMMAND... [:: ...]\n");
		return 2;
	}
	for (int round = -warmups; round < rounds; round++) {
		for (int c = 0; c < n; c++) {
			if (syncs)
				sync();
			double taken = run_once(&commands[c]);
			if (round >= 0)
				commands[c].ms[round] = taken;
		}
	}
	double base = 0;
	for (int c = 0; c < n; c++) {
		double *ms = commands[c].ms;
		qsort(ms, (size_t)rounds, sizeof(*ms), compare);
		double median = rounds % 2 ? ms[rounds / 2] : (ms[rounds / 2 - 1] + ms[rounds / 2]) / 2;
		if (c == 0)
			base = median;
		printf("%-34s %9.2f ms  (%.2f to %.2f)  %6.2f x\n", commands[c].label, median, ms[0],
			ms[rounds - 1], median / base);
	}
	return 0;
}
