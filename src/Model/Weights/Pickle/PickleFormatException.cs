namespace Xkd.Model.Weights;

/// <summary>The pickle is damaged or holds something weights never need. The file's reader adds its name.</summary>
internal sealed class PickleFormatException(string message) : Exception(message);
