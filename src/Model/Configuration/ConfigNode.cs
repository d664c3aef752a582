namespace Xkd.Model.Configuration;

/// <summary>A part of a YAML file: a text, a list, or keys and what stands under them.</summary>
/// <param name="Line">Where it begins.</param>
/// <param name="Text">The text; null for the others.</param>
/// <param name="Items">Of a list; null for the others.</param>
/// <param name="Keys">Of a mapping, in the order of the file; null for the others.</param>
internal sealed record ConfigNode(long Line, string? Text, IReadOnlyList<ConfigNode>? Items, IReadOnlyList<(string Key, long Line, ConfigNode Value)>? Keys);
