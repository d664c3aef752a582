using System.Globalization;

namespace Xkd.Bench;

/// <summary><c>Xkd.Bench simulate NAME=VALUE …</c>: properties of <see cref="IngestModel"/> by name, and what comes of them.</summary>
internal static class SimulateCommand
{
    public static int Run(IReadOnlyList<string> assignments, TextWriter output)
    {
        IngestModel model = new();
        foreach (var assignment in assignments)
        {
            if (assignment.Split('=') is not [var name, var value] || typeof(IngestModel).GetProperty(name) is not { } property)
            {
                var names = typeof(IngestModel).GetProperties().Select(one => one.Name);
                output.WriteLine($"{assignment}: write NAME=VALUE, with NAME one of {string.Join(", ", names)}");
                return 2;
            }

            property.SetValue(model, property.Name == nameof(IngestModel.Parts)
                ? value.Split('+').Select(part => long.Parse(part, CultureInfo.InvariantCulture)).ToArray()
                : Convert.ChangeType(value, property.PropertyType, CultureInfo.InvariantCulture));
        }

        output.WriteLine(Text(new IngestSimulation(model).Run(), model));
        return 0;
    }

    private static string Text(IngestOutcome outcome, IngestModel model)
    {
        var all = model.Parts?.Sum() ?? model.Clips;
        var (hours, commits) = (outcome.Seconds / 3600, Math.Max(1, outcome.Commits));
        var (cores, whole) = (outcome.CoreSeconds / 3600, (double)all / Math.Max(1, outcome.Done));
        FormattableString[] lines =
        [
            $"{outcome.Done} of {all} clips in {outcome.Seconds:f1} s ({hours:f2} h), {cores:f1} core hours; then {outcome.MergeSeconds:f0} s of merge",
            $"at this rate all in {hours * whole:f1} h and {cores * whole:f0} core hours",
            $"{outcome.Commits} commits, {outcome.Commits / outcome.Seconds:f1} a second; {(double)outcome.Conflicts / commits:f2} conflicts a commit",
            $"waiting for commits {outcome.Committing:p1} of the time (after a conflict {outcome.Conflicting:p1}, merging segments {outcome.Merging:p1})",
            $"{outcome.Failures} failures, {outcome.Failing:p1} of the workers' time",
            $"{outcome.ManifestBytes / 1e9:f2} GB of manifests, {outcome.Segments} segments at the end",
        ];
        return string.Join('\n', lines.Select(line => line.ToString(CultureInfo.InvariantCulture)));
    }
}
