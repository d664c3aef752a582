using System.CommandLine;
using Xkd.Cli.Hosting;
using Xkd.Experiments.AvDigits;

RootCommand root = new("The paper's ablation in miniature: image and sound that share only a digit.")
{
    GenerateCommand.Create(), JoinCommand.Create(), RowsCommand.Create(), RunCommand.Create(), RunCommand.CreateRow(),
};
root.Add(CommonOptions.Quiet);
HelpText.Install(root, "What it shows and takes: docs/experiment.md\n");
return await CommandHost.RunAsync(root, "xkd experiment avdigits", args).ConfigureAwait(false);
