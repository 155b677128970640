/* SPDX-License-Identifier: Apache-2.0 */
/* replay_main.c - runs a fuzz target over the files of its corpus, as a plain
 * program that any compiler can build.
 * Owns:    nothing between two files.
 * Trusts:  nothing; that is the point.
 * Threads: none of its own. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
	INPUT_MAX = 1 << 20, /* a corpus file is never longer */
	PATH_LEN = 4096,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));

/* Gives the target an exact-size copy, so that a read past the end is one. */
static int
replay_file(const char *path)
{
	static uint8_t space[INPUT_MAX + 1];
	uint8_t *exact;
	size_t len;
	FILE *f = fopen(path, "rb");

	if (f == NULL) {
		perror(path);
		return 1;
	}
	len = fread(space, 1, sizeof(space), f);
	fclose(f);
	if (len > INPUT_MAX || (exact = malloc(len > 0 ? len : 1)) == NULL) {
		fprintf(stderr, "%s: too large\n", path);
		return 1;
	}
	memcpy(exact, space, len);
	(void)LLVMFuzzerTestOneInput(exact, len);
	free(exact);
	return 0;
}

static int
replay_dir(const char *dir, unsigned *count)
{
	char path[PATH_LEN];
	struct dirent *entry;
	int bad = 0;
	DIR *d = opendir(dir);

	if (d == NULL) {
		perror(dir);
		return 1;
	}
	while ((entry = readdir(d)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		bad |= replay_file(path);
		(*count)++;
	}
	closedir(d);
	return bad;
}

int
main(int argc, char **argv)
{
	struct stat st;
	unsigned count = 0;
	int bad = 0;

	if (LLVMFuzzerInitialize != NULL)
		LLVMFuzzerInitialize(&argc, &argv);
	for (int i = 1; i < argc; i++) {
		if (stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode)) {
			bad |= replay_dir(argv[i], &count);
		} else {
			bad |= replay_file(argv[i]);
			count++;
		}
	}
	printf("%u inputs replayed\n", count);
	return bad != 0 || count == 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
