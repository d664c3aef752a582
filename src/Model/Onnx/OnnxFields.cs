namespace Xkd.Model.Onnx;

/// <summary>
/// Field numbers and codes of the ONNX schema, version 1.12 (https://github.com/onnx/onnx/blob/v1.12.0/onnx/onnx.proto), as far as they are written here.
/// </summary>
internal static class OnnxFields
{
    /// <summary>Codes of element types.</summary>
    public const int Float32 = 1, Int64 = 7;

    public static class Model
    {
        public const int IrVersion = 1, ProducerName = 2, ProducerVersion = 3, Graph = 7, OpsetImport = 8, Metadata = 14;
    }

    public static class Opset
    {
        public const int Domain = 1, Version = 2;
    }

    public static class Entry
    {
        public const int Key = 1, Value = 2;
    }

    public static class Graph
    {
        public const int Node = 1, Name = 2, Initializer = 5, Input = 11, Output = 12;
    }

    public static class Node
    {
        public const int Input = 1, Output = 2, Name = 3, Operator = 4, Attribute = 5;
    }

    internal static class Attribute
    {
        public const int Name = 1, Float = 2, Integer = 3, Integers = 8, Type = 20;

        /// <summary>Codes of <see cref="Type"/>.</summary>
        public const int OfFloat = 1, OfInteger = 2, OfIntegers = 7;
    }

    public static class Tensor
    {
        public const int Dimensions = 1, ElementType = 2, Name = 8, RawData = 9;
    }

    /// <summary>A value with its type: [value: name, type [tensor: element type, shape [dimension …]]].</summary>
    public static class Value
    {
        public const int Name = 1, Type = 2, TensorType = 1, ElementType = 1, Shape = 2, Dimension = 1, Size = 1, Symbol = 2;
    }
}
