using Xkd.Cli.Commands;
using Xkd.Cli.Hosting;

return await CommandHost.RunAsync(VerbList.Root(), "xkd", args).ConfigureAwait(false);
