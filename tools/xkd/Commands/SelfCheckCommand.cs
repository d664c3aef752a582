using System.CommandLine;
using System.Globalization;
using Xkd.Cli.Hosting;
using Xkd.Model.Method;
using Xkd.Model.Torch;
using Xkd.Model.Training;

namespace Xkd.Cli.Commands;

/// <summary><c>xkd selfcheck</c>: whether a device computes what the CPU does.</summary>
internal static class SelfCheckCommand
{
    public static Command Create()
    {
        var device = CommonOptions.Device();
        var libtorch = CommonOptions.LibTorch();
        var json = CommonOptions.Json();
        var steps = Numbers.Option("--steps", "Steps of training.", new NumberRange(1, 100_000), SelfCheck.Steps);
        Command command = new("selfcheck", "Train a tiny XKD on the device, in float32 and bfloat16, beside the CPU in float32.") { device, steps, libtorch, json };
        command.SetAction(async (parsed, _) =>
        {
            var terminal = Terminal.Of(parsed, json);
            LibTorch.Load(parsed.GetValue(libtorch));
            var name = parsed.GetValue(device)!;
            var rows = await SelfCheck.RunAsync(name, parsed.GetValue(steps)).ConfigureAwait(false);
            var ok = rows.All(row => row.Ok);
            terminal.Line($"{"",4} {"type",-8} {"term",-14} {"first",9} {"on CPU",9} {"mean",9} {"on CPU",9} {"gap",7} {"most",5}");
            foreach (var row in rows)
            {
                terminal.Check(row.Ok, string.Create(CultureInfo.InvariantCulture,
                    $"{row.Precision.ToString().ToLowerInvariant(),-8} {row.Term,-14} {row.First,9:g5} {row.FirstExpected,9:g5} {row.Mean,9:g5} {row.MeanExpected,9:g5} {row.Gap,7:0.0e-0} {row.Tolerance,5:0e-0}"));
            }

            terminal.Result(ok
                ? $"{name} computes what the CPU does in float32, over {parsed.GetValue(steps)} steps"
                : $"{name} does not compute what the CPU does: another libtorch or driver may, see xkd doctor; if only bfloat16 fails, set train.precision=float32");
            if (terminal.Json)
            {
                Terminal.WriteJson(new { schema = 1, ok, device = name, steps = parsed.GetValue(steps), rows });
            }

            terminal.Next(ok ? $"xkd train --config tiny --data CACHE --out RUN --device {name}" : "xkd doctor");
            return ok ? ExitCodes.Done : ExitCodes.Failed;
        });
        return command;
    }
}
