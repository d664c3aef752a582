namespace Xkd.Model;

/// <summary>Names the assembly, for reflection.</summary>
public static class AssemblyMarker;
