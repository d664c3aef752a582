using System.CommandLine;
using Xkd.Cli.Commands;
using Xkd.Cli.Hosting;

RootCommand root = new("XKD: pre-train audio and video encoders on unlabelled video by cross-modal knowledge distillation.");
foreach (var verb in VerbList.All())
{
    root.Add(verb);
}

return await CommandHost.RunAsync(root, "xkd", args).ConfigureAwait(false);
