"""rcfiles - the rc files of the throw-away users: nothing, a flood, heavy themes."""

QUIET = {".hushlogin": "", ".profile": "", ".zshrc": "", ".bashrc": "", ".kshrc": "", ".mkshrc": ""}

# Only an interactive shell gets the noise: bash reads ~/.bashrc for `ssh host command` too.
BASH_LOUD = r"""
case $- in *i*) ;; *) return ;; esac
awk 'BEGIN { for (i = 0; i < 16384; i++) printf "%063d\n", i }'
"""

BASH_THEME = r"""
case $- in *i*) ;; *) return ;; esac
__theme_segment() { printf '\001\e[48;5;%dm\e[38;5;%dm\002 %s ' "$1" "$2" "$3"; }
__theme_prompt() {
        local status=$? branch jobs
        branch=$(command -v git >/dev/null && git rev-parse --abbrev-ref HEAD 2>/dev/null)
        jobs=$(jobs -p | wc -l)
        printf '\e]0;%s@%s: %s\a\e]7;file://%s%s\e\\' "$USER" "$HOSTNAME" "$PWD" "$HOSTNAME" "$PWD"
        printf '\e]133;D;%s\a\e]133;A\a' "$status"
        PS1="$(__theme_segment 31 255 "$USER")$(__theme_segment 240 250 '\w')"
        [ -n "$branch" ] && PS1+="$(__theme_segment 148 22 "$branch")"
        [ "$jobs" -gt 0 ] && PS1+="$(__theme_segment 166 220 "$jobs")"
        [ "$status" -ne 0 ] && PS1+="$(__theme_segment 160 255 "✘ $status")"
        PS1+='\[\e[0m\]\n\[\e[38;5;31m\]╰─❯\[\e[0m\] '
        return "$status"
}
PROMPT_COMMAND=__theme_prompt
PS0='\[\e]133;C\a\]'
PS2='\[\e[33m\]… \[\e[0m\]'
"""

ZSH_THEME = r"""
[[ -o interactive ]] || return
setopt prompt_subst
autoload -Uz add-zsh-hook
typeset -g __last=0
__theme_precmd() { __last=$?; print -Pn '\e]0;%n@%m: %~\a\e]133;D;'$__last'\a\e]133;A\a'; PROMPT=$__full; RPROMPT=$__right; }
__theme_preexec() { print -n "\e]133;C\a\e]2;${1[(w)1]}\a"; }
add-zsh-hook precmd __theme_precmd
add-zsh-hook preexec __theme_preexec
__full=$'%K{31}%F{255} %n %k%f%K{240}%F{250} %~ %k%f%(?..%K{160} ✘ %? %k)\n%F{31}╰─%(!.#.❯)%f '
__right='%F{245}%D{%H:%M:%S} %(1j.⚙ %j.)%f'
PROMPT=$__full RPROMPT=$__right
# Transient prompt: the accepted line is painted again with a short prompt.
__theme_line_finish() { PROMPT='%F{76}❯%f ' RPROMPT=''; zle && zle .reset-prompt; }
zle -N zle-line-finish __theme_line_finish
"""
