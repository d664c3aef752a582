using System.Reflection;
using System.Reflection.Emit;
using Xkd.Model.Method;

namespace Xkd.Model.Tests.Torch;

/// <summary>
/// Many methods of TorchSharp make a scalar on the way and hand its native half to libtorch without holding it (ScalarMath tells what comes of that). The
/// compiler refuses the operators; here the code of TorchSharp itself is read, for whatever else ends in such a method.
/// </summary>
public sealed class HeldScalarsTests
{
    private const BindingFlags All = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly;
    private const string Makes = "op_Implicit";

    private static readonly Assembly Torch = typeof(TorchSharp.torch).Assembly;
    private static readonly Dictionary<short, OpCode> Codes =
        typeof(OpCodes).GetFields().Select(field => (OpCode)field.GetValue(null)!).ToDictionary(code => code.Value);

    [Fact]
    public void Methods_ThatAreCalledHere_MakeNoScalarsOnTheWay()
    {
        var makers = Makers();
        Assert.InRange(makers.Count, 50, 1000); // pow(2) and its like: the reading works
        Assert.Contains(typeof(TorchSharp.torch.Tensor).GetMethod("square")!, makers);
        makers.RemoveWhere(maker => maker.DeclaringType == typeof(TorchSharp.torch.jit.CompilationUnit)); // handed tensors and held scalars
        var called = Methods(typeof(XkdModel).Assembly)
            .Where(method => method.DeclaringType?.Name.StartsWith("ScalarMath", StringComparison.Ordinal) != true)
            .SelectMany(method => Calls(method).Where(makers.Contains), (method, call) =>
                $"{method.DeclaringType}.{method.Name} calls {call.DeclaringType}.{call.Name}: extend ScalarMath");
        var faults = string.Join('\n', called.Distinct());
        Assert.True(faults.Length == 0, faults);
    }

    // All that make one, and all of TorchSharp's own methods that call such a one.
    private static HashSet<MethodBase> Makers()
    {
        var calls = Methods(Torch).Where(method => method.DeclaringType?.Name.StartsWith("Scalar", StringComparison.Ordinal) != true)
            .ToDictionary(method => method, method => Calls(method).ToList());
        HashSet<MethodBase> makers = [.. calls.Where(pair => pair.Value.Any(IsConversion)).Select(pair => pair.Key)];
        while (calls.Where(pair => !makers.Contains(pair.Key) && pair.Value.Any(makers.Contains)).Select(pair => pair.Key).ToList() is { Count: > 0 } more)
        {
            makers.UnionWith(more);
        }

        return makers;
    }

    private static bool IsConversion(MethodBase method) =>
        method.Name == "ToScalar" || (method.Name == Makes && method.DeclaringType == typeof(TorchSharp.Scalar));

    private static IEnumerable<MethodBase> Methods(Assembly assembly) =>
        assembly.GetTypes().SelectMany(type => type.GetMethods(All).Concat<MethodBase>(type.GetConstructors(All)));

    private static List<MethodBase> Calls(MethodBase method)
    {
        List<MethodBase> calls = [];
        var code = method.GetMethodBody()?.GetILAsByteArray() ?? [];
        var ofType = method.DeclaringType is { IsGenericType: true } type ? type.GetGenericArguments() : null;
        for (var at = 0; at < code.Length;)
        {
            short value = code[at++];
            if (value == 0xfe)
            {
                value = (short)((value << 8) | code[at++]);
            }

            var kind = Codes[value].OperandType;
            var ofMethod = method.IsGenericMethod ? method.GetGenericArguments() : null;
            if (kind is OperandType.InlineMethod or OperandType.InlineTok
                && method.Module.ResolveMember(BitConverter.ToInt32(code, at), ofType, ofMethod) is MethodBase call)
            {
                calls.Add(call is MethodInfo { IsGenericMethod: true } generic ? generic.GetGenericMethodDefinition() : call);
            }

            at += kind switch
            {
                OperandType.InlineNone => 0,
                OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
                OperandType.InlineVar => 2,
                OperandType.InlineI8 or OperandType.InlineR => 8,
                OperandType.InlineSwitch => 4 + (4 * BitConverter.ToInt32(code, at)),
                _ => 4,
            };
        }

        return calls;
    }
}
