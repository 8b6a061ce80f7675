#include "worker/worker_private.h"

#include "base/log.h"
#include "wire/message.h"
#include "worker/shell/shell_screen.h"

struct shell *worker_find_shell(struct worker *worker, uint64_t id)
{
        for (size_t i = 0; i < SHELLS_MAX; i++)
                if (worker->shells[i] != NULL && shell_id(worker->shells[i]) == id)
                        return worker->shells[i];
        return NULL;
}

static struct shell *find_shell_of_job(struct worker *worker, uint64_t job_id)
{
        for (size_t i = 0; i < SHELLS_MAX; i++)
                if (worker->shells[i] != NULL && shell_has_job(worker->shells[i], job_id))
                        return worker->shells[i];
        return NULL;
}

static struct pending *find_pending(struct worker *worker, uint64_t id)
{
        for (size_t i = 0; i < PENDING_MAX; i++)
                if (worker->pending[i].job != NULL && worker->pending[i].job->id == id)
                        return &worker->pending[i];
        return NULL;
}

static void refuse_command(struct worker *worker, uint64_t id, const char *why)
{
        struct wire_end end = { .how = WIRE_HOW_REFUSED, .status = -1, .text = str_of(why) };

        if (!wire_write_end(&worker->frames.out, WIRE_ENDED, id, &end))
                bug("no room for a refusal");
}

static void open_shell(struct worker *worker, const struct frame *frame, int64_t now_ms)
{
        struct wire_reader reader = wire_read(frame);
        struct shell_config config = {
                .id = frame->id,
                .columns = wire_get_u32(&reader),
                .rows = wire_get_u32(&reader),
                .ssh = worker->ssh,
                .env = &worker->env,
                .frames = &worker->frames.out,
        };

        for (size_t i = 0; i < SHELLS_MAX; i++) {
                if (worker->shells[i] != NULL)
                        continue;
                worker->shells[i] = shell_new(&config, now_ms);
                if (worker->probe_failed)
                        shell_on_no_probe(worker->shells[i], now_ms);
                return;
        }
        struct wire_end end = {
                .how = WIRE_HOW_REFUSED,
                .status = -1,
                .text = str_of("too many shells on this connection"),
        };
        if (!wire_write_end(&worker->frames.out, WIRE_SHELL_ENDED, frame->id, &end))
                bug("no room for a refusal");
}

static void begin_command(struct worker *worker, const struct frame *frame)
{
        struct wire_reader reader = wire_read(frame);
        uint64_t shell_id = (uint64_t)wire_get_i64(&reader);
        enum clean_mode mode = shell_id == 0 ? CLEAN_PIPE : CLEAN_TTY;

        for (size_t i = 0; i < PENDING_MAX; i++) {
                if (worker->pending[i].job != NULL)
                        continue;
                worker->pending[i].job = job_new(frame->id, mode, &worker->frames.out);
                worker->pending[i].shell_id = shell_id;
                return;
        }
        refuse_command(worker, frame->id, "too many commands at once on this connection");
}

static void run_isolated(struct worker *worker, struct job **job, int64_t now_ms)
{
        bool is_elevated = (*job)->sudo != NULL;

        for (size_t i = 0; i < ISOLATED_MAX; i++)
                if (worker->isolated[i] == NULL) {
                        worker->isolated[i] = isolated_new(worker->ssh, &worker->env, job, now_ms);
                        if (is_elevated)
                                worker_begin_probe(worker, now_ms);
                        if (worker->probe_failed)
                                isolated_on_no_probe(worker->isolated[i]);
                        return;
                }
        refuse_command(worker, (*job)->id, "too many isolated commands on this connection");
        job_free(*job);
        *job = NULL;
}

static void run_command(struct worker *worker, struct pending *pending, int64_t now_ms)
{
        struct shell *shell = worker_find_shell(worker, pending->shell_id);

        if (pending->shell_id == 0) {
                run_isolated(worker, &pending->job, now_ms);
        } else if (shell != NULL && !shell_is_over(shell)) {
                shell_run(shell, &pending->job, now_ms);
        } else {
                refuse_command(worker, pending->job->id, "its shell has ended");
                job_free(pending->job);
                pending->job = NULL;
        }
}

static void take_sudo(struct worker *worker, const struct frame *frame, int64_t now_ms)
{
        struct pending *pending = find_pending(worker, frame->id);
        struct shell *shell = find_shell_of_job(worker, frame->id);
        struct wire_sudo sudo;

        if (!wire_read_sudo(frame, &sudo))
                bug("a request for sudo that cannot be read");
        if (pending != NULL && pending->job->sudo == NULL)
                pending->job->sudo = sudo_new(&sudo);
        else if (shell != NULL) /* else it has ended meanwhile */
                shell_take_password(shell, frame->id, sudo.password, now_ms);
        secret_wipe((uint8_t *)worker->frames.in.data + worker->frames.in_used - frame->len,
                    frame->len);
}

static void add_text(struct worker *worker, const struct frame *frame)
{
        struct pending *pending = find_pending(worker, frame->id);
        struct wire_reader reader = wire_read(frame);
        struct str text = wire_get_bytes(&reader);

        if (pending == NULL || buf_append(&pending->job->text, text.ptr, text.len))
                return;
        refuse_command(worker, frame->id, "the command is too long");
        job_free(pending->job);
        pending->job = NULL;
}

static void interrupt_command(struct worker *worker, uint64_t id, int64_t now_ms)
{
        struct shell *shell = find_shell_of_job(worker, id);

        if (shell != NULL) {
                shell_interrupt(shell, id, now_ms);
                return;
        }
        for (size_t i = 0; i < ISOLATED_MAX; i++)
                if (worker->isolated[i] != NULL && isolated_id(worker->isolated[i]) == id)
                        isolated_interrupt(worker->isolated[i]);
}

static void open_forward(struct worker *worker, const struct frame *frame, int64_t now_ms)
{
        struct wire_reader reader = wire_read(frame);
        uint32_t port = wire_get_u32(&reader);
        uint32_t limit_ms = wire_get_u32(&reader);
        struct forward_request request = { .id = frame->id,
                                           .host = wire_get_bytes(&reader),
                                           .port = port,
                                           .open_by_ms = now_ms + limit_ms };
        int fd = frame_socket_take_fd(&worker->frames);

        if (!wire_read_done(&reader) || fd < 0)
                bug("a forward that cannot be read, or without its socket");
        forwards_open(&worker->forwards, &request, fd);
}

static void type_input(struct shell *shell, const struct frame *frame, int64_t now_ms)
{
        struct wire_reader reader = wire_read(frame);
        struct str bytes = wire_get_bytes(&reader);

        if (shell != NULL) /* ended meanwhile: its end is on its way to the supervisor */
                shell_input(shell, bytes.ptr, bytes.len, now_ms);
}

static void read_screen(struct shell *shell, const struct frame *frame, int64_t now_ms)
{
        struct wire_screen_read read;

        if (!wire_read_screen_read(frame, &read))
                bug("a request for the screen that cannot be read");
        if (shell != NULL && !shell_is_over(shell)) /* else its end is on its way */
                shell_read_screen(shell, &read, now_ms);
}

static void type_keys(struct shell *shell, const struct frame *frame, int64_t now_ms)
{
        struct wire_reader reader = wire_read(frame);
        struct str normal = wire_get_bytes(&reader);
        struct str application = wire_get_bytes(&reader);

        if (shell != NULL && !shell_is_over(shell))
                shell_type_keys(shell, normal, application, now_ms);
}

void worker_serve_frame(struct worker *worker, const struct frame *frame, int64_t now_ms)
{
        struct pending *pending = find_pending(worker, frame->id);
        struct shell *shell = worker_find_shell(worker, frame->id);

        switch (frame->kind) {
        case WIRE_SHELL_OPEN: open_shell(worker, frame, now_ms); break;
        case WIRE_SHELL_CLOSE:
                if (shell != NULL)
                        shell_close(shell);
                break;
        case WIRE_FORWARD_OPEN: open_forward(worker, frame, now_ms); break;
        case WIRE_FORWARD_CLOSE: forwards_close(&worker->forwards, frame->id); break;
        case WIRE_RUN_BEGIN: begin_command(worker, frame); break;
        case WIRE_RUN_TEXT:  add_text(worker, frame); break;
        case WIRE_RUN_SUDO:  take_sudo(worker, frame, now_ms); break;
        case WIRE_RUN_GO:
                if (pending != NULL)
                        run_command(worker, pending, now_ms);
                break;
        case WIRE_INPUT:
                type_input(find_shell_of_job(worker, frame->id), frame, now_ms);
                break;
        case WIRE_SHELL_INPUT: type_input(shell, frame, now_ms); break;
        case WIRE_SHELL_KEYS:  type_keys(shell, frame, now_ms); break;
        case WIRE_SCREEN_READ: read_screen(shell, frame, now_ms); break;
        case WIRE_INTERRUPT:   interrupt_command(worker, frame->id, now_ms); break;
        case WIRE_STOP:        worker->stopping = true; break;
        default:               log_warn("frame of kind %u is not for a worker", frame->kind); break;
        }
}
