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

# As bash 3.2 on macOS is: no bracketed paste, its compatibility, a prompt command that is a string.
BASH_OLD = r"""
BASH_COMPAT=3.2
bind 'set enable-bracketed-paste off' 2>/dev/null
PROMPT_COMMAND='printf "\e]0;%s\a" "$PWD"'
PS1='\h:\W \u\$ '
"""

# What starship writes into a .zshrc, and asks of it: a program's output as prompt, on both sides.
ZSH_STAR = r"""
[[ -o interactive ]] || return
setopt prompt_subst
zmodload zsh/datetime
starship_preexec() { STAR_BEGAN=$EPOCHREALTIME; printf '\e]133;C;\a'; }
starship_precmd() {
        STAR_STATUS=$? STAR_PIPE=(${pipestatus[@]}) STAR_JOBS=${#jobstates}
        printf '\e]133;D;%s\a\e]133;A\a' "$STAR_STATUS"
}
precmd_functions+=(starship_precmd)
preexec_functions+=(starship_preexec)
star() { command printf '\n%%{\e[1;36m%%}%s%%{\e[0m%%} on %%{\e[1;35m%%}\xee\x82\xa0 main%%{\e[0m%%} took %%{\e[33m%%}3s%%{\e[0m%%}\n%%{\e[1;32m%%}\xe2\x9d\xaf%%{\e[0m%%} ' "${PWD##*/}"; }
PROMPT='$(star)' RPROMPT='%F{8}${STAR_STATUS}%f %F{yellow}%D{%T}%f'
"""

ZSH_VI = r"""
[[ -o interactive ]] || return
bindkey -v
KEYTIMEOUT=1
setopt prompt_subst transient_rprompt
function zle-keymap-select zle-line-init {
        RPROMPT="${${KEYMAP/vicmd/[NORMAL]}/(main|viins)/[INSERT]}"
        zle reset-prompt
        [[ $KEYMAP = vicmd ]] && printf '\e[2 q' || printf '\e[6 q'
}
zle -N zle-line-init
zle -N zle-keymap-select
"""

# powerlevel10k's instant prompt: a prompt is painted and the terminal held before the rc file goes on.
ZSH_INSTANT = r"""
[[ -o interactive ]] || return
print -Pn '\e[?25l%K{4} %n %k%F{4}\xee\x82\xb0%f \e[s'
exec {p10k_fd}>&1 1>/dev/null
sleep 0.4
echo 'lost in the instant prompt'
exec 1>&$p10k_fd {p10k_fd}>&-
print -n '\e[u\r\e[K\e[?25h'
PROMPT=$'%K{4} %n %k%F{4}\xee\x82\xb0%f ' RPROMPT='%(?.%F{2}ok.%F{1}%?)%f'
"""

FISH_THEME = r"""
status is-interactive; or exit
function fish_prompt
    set -l last $status
    printf '\e]133;A\a\n%s%s %s[%s]%s\n❯ ' (set_color cyan) (prompt_pwd) (set_color red) $last (set_color normal)
end
function fish_right_prompt
    date '+%H:%M:%S'
end
function on_exec --on-event fish_preexec
    printf '\e]133;C\a'
end
function fish_greeting
    echo welcome, $USER
end
fish_vi_key_bindings
abbr -a e echo
"""

TCSH_THEME = r"""
if ( ! $?prompt ) exit
set prompt = "\n%{\033[1;32m%}%n@%m%{\033[0m%}:%~\n%# "
set rprompt = "%T"
alias precmd 'echo -n "\033]0;$cwd\007"'
alias printf 'echo aliased'
alias echotc 'echo aliased'
set autolist
set history = 100
set savehist = (100 merge)
"""

ASKS = "printf 'Continue? [y/N] '; read answer; echo \"you said $answer\"\n"
CSH_ASKS = "echo -n 'Continue? [y/N] '\nset answer = $<\necho you said $answer\n"

MENU = r"""#!/bin/sh
while :; do
        printf '1) status\n2) log out\nYour choice: '
        read choice || exit 0
        echo "$choice" >>"$HOME/choices"
        case $choice in
        1) echo 'all is well' ;;
        2) exit 0 ;;
        *) echo "no such choice: $choice" ;;
        esac
done
"""
