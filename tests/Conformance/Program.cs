using System.Reflection;
using System.Text.Json;
using Xkd.Conformance;

// Xkd.Conformance [DIR] [--only TOPIC-OR-ID] [--device cpu|cuda]: one PASS or FAIL line per case of DIR/manifest.json.
string? only = null;
var device = "cpu";
var directory = Path.Combine(AppContext.BaseDirectory, "golden");
for (var i = 0; i < args.Length; i++)
{
    if (args[i] == "--only" && i + 1 < args.Length)
    {
        only = args[++i];
    }
    else if (args[i] == "--device" && i + 1 < args.Length)
    {
        device = args[++i];
    }
    else
    {
        directory = args[i];
    }
}

var manifestPath = Path.Combine(directory, "manifest.json");
if (!File.Exists(manifestPath))
{
    Console.Error.WriteLine($"{manifestPath}: no such file; name a folder that holds a golden manifest.json");
    return 2;
}

using var manifest = JsonDocument.Parse(File.ReadAllBytes(manifestPath));
IGoldenTopic[] topics = [.. Assembly.GetExecutingAssembly().GetTypes()
    .Where(t => t is { IsAbstract: false, IsInterface: false } && t.IsAssignableTo(typeof(IGoldenTopic)))
    .Select(t => (IGoldenTopic)Activator.CreateInstance(t)!)];
int passed = 0, failed = 0;
foreach (var json in manifest.RootElement.GetProperty("cases").EnumerateArray())
{
    var topic = json.GetProperty("topic").GetString()!;
    if (json.TryGetProperty("id", out var id) && (only is null || only == topic || only == id.GetString()))
    {
        (var line, var ok) = GoldenRunner.Run(topics, topic, directory, json, device);
        Console.WriteLine(line);
        _ = ok ? passed++ : failed++;
    }
    else if (only is null)
    {
        Console.WriteLine($"FAIL (a case of topic {topic} without an id)");
        failed++;
    }
}

Console.WriteLine($"{passed} passed, {failed} failed");
return failed == 0 && passed > 0 ? 0 : 1;
