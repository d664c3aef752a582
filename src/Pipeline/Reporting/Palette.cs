namespace Xkd.Pipeline;

/// <summary>
/// The colours of lines and classes. They stand out from white and from dark pages, and differ for colour-blind eyes (Okabe and Ito's set, its light colours
/// darkened); after the last one they repeat with another dash or symbol.
/// </summary>
public static class Palette
{
    private static readonly string[] Hex = ["#1f77c9", "#d55e00", "#009e73", "#c9649b", "#bf8a00", "#7a62c4", "#3a9bd0", "#848c97"];
    private static readonly string[] Dashes = ["solid", "dash", "dot", "dashdot"];
    private static readonly string[] Symbols = ["circle", "square", "diamond", "cross", "triangle-up", "x", "star", "triangle-down"];

    /// <summary>How many colours there are.</summary>
    public static int Count => Hex.Length;

    /// <summary>Colour of the line or class of that index, such as <c>#1f77c9</c>.</summary>
    public static string Colour(int index) => Hex[index % Hex.Length];

    /// <summary>Plotly's name of the dash of that line.</summary>
    internal static string Dash(int index) => Dashes[index / Hex.Length % Dashes.Length];

    /// <summary>Plotly's name of the symbol of that class: another one than its neighbours', so that colour is not all that tells them.</summary>
    internal static string Symbol(int index) => Symbols[(index + (index / Hex.Length)) % Symbols.Length];
}
