using System.CommandLine;
using Xkd.Cli.Hosting;

namespace Xkd.Cli.Commands;

/// <summary><c>xkd completion</c>: what a shell needs to complete verbs, options and names; the program itself is asked for them at each tab.</summary>
internal static class CompletionCommand
{
    private const string Bash = """
        # bash: eval "$(xkd completion bash)"
        _xkd() {
          local line=${COMP_LINE#* } before=${COMP_LINE%% *}
          local IFS=$'\n'
          COMPREPLY=($(compgen -W "$("${COMP_WORDS[0]}" "[suggest:$((COMP_POINT - ${#before} - 1))]" "$line" 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}"))
        }
        complete -o default -F _xkd xkd ./xkd

        """;

    private const string Zsh = """
        # zsh: eval "$(xkd completion zsh)"
        _xkd() {
          local line=${BUFFER#* } before=${BUFFER%% *}
          local -a found=("${(@f)$(${words[1]} "[suggest:$((CURSOR - ${#before} - 1))]" "$line" 2>/dev/null)}")
          compadd -- $found || _files
        }
        compdef _xkd xkd ./xkd

        """;

    private const string Fish = """
        # fish: xkd completion fish | source
        function __xkd
          set -l words (commandline -cpo) (commandline -ct)
          set -l line (string join ' ' -- $words[2..])
          $words[1] "[suggest:"(string length -- $line)"]" $line 2>/dev/null
        end
        complete -c xkd -a '(__xkd)'

        """;

    public static Command Create()
    {
        Argument<string> shell = new("shell") { Description = "The shell." };
        shell.AcceptOnlyFromAmong("bash", "zsh", "fish");
        Command command = new("completion", "Print the script that makes a shell complete xkd.") { shell };
        command.SetAction(parsed =>
        {
            Console.Out.Write(parsed.GetValue(shell) switch { "bash" => Bash, "zsh" => Zsh, _ => Fish });
            return ExitCodes.Done;
        });
        return command;
    }
}
