/* Runs a fuzz target over the files of the folders that are named, and says how many there were. */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>

#define INPUT_MAX ((size_t)1024 * 1024)

static int run_file(const char *folder, const char *name)
{
        char *path = xasprintf("%s/%s", folder, name);
        uint8_t *bytes = xcalloc(1, INPUT_MAX);
        FILE *file = fopen(path, "rb");
        size_t len = file != NULL ? fread(bytes, 1, INPUT_MAX, file) : 0;

        if (file == NULL)
                perror(path);
        else
                (void)fclose(file);
        char *exact = fuzz_copy(bytes, len);
        int status = file != NULL ? LLVMFuzzerTestOneInput((const uint8_t *)exact, len) : 1;
        free(exact);
        free(bytes);
        free(path);
        return status;
}

int main(int argc, char **argv)
{
        unsigned count = 0;
        int status = 0;

        for (int i = 1; i < argc; i++) {
                DIR *folder = opendir(argv[i]);
                const struct dirent *entry;

                while (folder != NULL && (entry = readdir(folder)) != NULL)
                        if (entry->d_name[0] != '.') {
                                status |= run_file(argv[i], entry->d_name);
                                count++;
                        }
                if (folder != NULL)
                        (void)closedir(folder);
        }
        (void)printf("%u inputs\n", count);
        return status != 0 || count == 0;
}
