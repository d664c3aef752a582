using System.CommandLine;
using Xkd.Cli.Hosting;
using Xkd.Model.Evaluation;
using Xkd.Model.Method;

namespace Xkd.Cli.Commands;

/// <summary><c>xkd config</c>: what the keys of a configuration take and mean.</summary>
internal static class ConfigCommand
{
    public static Command Create()
    {
        Argument<string?> key = new("key") { Description = "A key such as optim.lr, or a section such as optim; every key without one.", Arity = ArgumentArity.ZeroOrOne };
        Option<string> of = new("--of") { Description = "Which configuration: train, svm, or classifier (eval linear and finetune).", DefaultValueFactory = _ => "train" };
        of.AcceptOnlyFromAmong("train", "svm", "classifier");
        var json = CommonOptions.Json();
        Command command = new("config", "Show the keys of a configuration: type, default, meaning.") { key, of, json };
        command.SetAction((parsed, _) =>
        {
            Show(Keys(parsed.GetValue(of)!, parsed.GetValue(key)), Terminal.Of(parsed, json));
            return Task.FromResult(ExitCodes.Done);
        });
        return command;
    }

    private static IReadOnlyList<ConfigKey> Keys(string of, string? key) => of switch
    {
        "svm" => Keys<SvmConfig>(key),
        "classifier" => Keys<ClassifierConfig>(key),
        _ => Keys<PretrainConfig>(key),
    };

    private static IReadOnlyList<ConfigKey> Keys<T>(string? key)
        where T : class, new() => key is null ? ConfigReference.Of<T>() : ConfigReference.Find<T>(key);

    private static void Show(IReadOnlyList<ConfigKey> keys, Terminal terminal)
    {
        if (terminal.Json)
        {
            Terminal.WriteJson(new { schema = 1, keys });
            return;
        }

        foreach (var key in keys)
        {
            terminal.Result($"{key.Name}: {key.Default}\n    {key.Meaning}\n    {key.Type}");
        }
    }
}
