/*
 * pam_ask - a PAM module for tests: asks, writes down each answer, takes one.
 *
 *      auth required /path/pam_ask.so prompt=Kennwort:~ password=correct~horse log=/path/log
 *
 * '~' stands for a blank. The log gets one line an answer. Declared by hand, so that no header of
 * PAM's is needed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pam_message { int style; const char *text; };
struct pam_response { char *text; int code; };
struct pam_conv {
        int (*ask)(int count, const struct pam_message **messages, struct pam_response **answers,
                   void *arg);
        void *arg;
};
int pam_get_item(const void *pam, int item, const void **out);

enum { SUCCESS = 0, AUTH_ERR = 7, ITEM_CONV = 5, PROMPT_ECHO_OFF = 1 };

static void option(int argc, const char **argv, const char *name, char *out, size_t size)
{
        size_t len = strlen(name);

        out[0] = 0;
        for (int i = 0; i < argc; i++)
                if (strncmp(argv[i], name, len) == 0 && argv[i][len] == '=')
                        (void)snprintf(out, size, "%s", argv[i] + len + 1);
        for (char *at = out; *at != 0; at++)
                if (*at == '~')
                        *at = ' ';
}

int pam_sm_authenticate(void *pam, int flags, int argc, const char **argv);
int pam_sm_authenticate(void *pam, int flags, int argc, const char **argv)
{
        char prompt[200], password[200], path[400];
        const struct pam_conv *conv = NULL;
        struct pam_response *answer = NULL;

        (void)flags;
        option(argc, argv, "prompt", prompt, sizeof prompt);
        option(argc, argv, "password", password, sizeof password);
        option(argc, argv, "log", path, sizeof path);
        const struct pam_message message = { PROMPT_ECHO_OFF, prompt };
        const struct pam_message *messages = &message;
        if (pam_get_item(pam, ITEM_CONV, (const void **)&conv) != SUCCESS || conv == NULL
            || conv->ask(1, &messages, &answer, conv->arg) != SUCCESS || answer == NULL)
                return AUTH_ERR;
        const char *text = answer->text != NULL ? answer->text : "";
        FILE *log = fopen(path, "a");
        if (log != NULL) {
                (void)fprintf(log, "%s\n", text);
                (void)fclose(log);
        }
        int result = strcmp(text, password) == 0 ? SUCCESS : AUTH_ERR;
        free(answer->text);
        free(answer);
        return result;
}

int pam_sm_setcred(void *pam, int flags, int argc, const char **argv);
int pam_sm_setcred(void *pam, int flags, int argc, const char **argv)
{
        (void)pam;
        (void)flags;
        (void)argc;
        (void)argv;
        return SUCCESS;
}
