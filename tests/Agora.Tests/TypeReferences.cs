using System.Buffers.Binary;
using System.Reflection;
using System.Reflection.Emit;

namespace Agora.Tests;

/// <summary>The types that a type's code refers to: in its bases, members, attributes and in the bodies of its methods.</summary>
internal static class TypeReferences
{
    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private static readonly Dictionary<short, OpCode> OpCodes =
        typeof(OpCodes).GetFields().Select(field => (OpCode)field.GetValue(null)!).ToDictionary(code => code.Value);

    public static IReadOnlySet<Type> Of(Type type)
    {
        var found = new HashSet<Type>();
        Add(found, type.BaseType);
        foreach (var contract in type.GetInterfaces())
            Add(found, contract);
        foreach (var attribute in type.GetCustomAttributesData())
            Add(found, attribute.AttributeType);
        foreach (var field in type.GetFields(Declared))
            Add(found, field.FieldType);
        foreach (var method in type.GetMethods(Declared).Cast<MethodBase>().Concat(type.GetConstructors(Declared)))
        {
            Add(found, (method as MethodInfo)?.ReturnType);
            foreach (var parameter in method.GetParameters())
                Add(found, parameter.ParameterType);
            if (method.GetMethodBody() is not { } body)
                continue;
            foreach (var local in body.LocalVariables)
                Add(found, local.LocalType);
            foreach (var caught in body.ExceptionHandlingClauses.Where(clause => clause.Flags == ExceptionHandlingClauseOptions.Clause))
                Add(found, caught.CatchType);
            foreach (var member in Members(method, body.GetILAsByteArray()!))
            {
                Add(found, member as Type ?? member.DeclaringType);
                if (member is MethodInfo { IsGenericMethod: true } generic)
                    foreach (var argument in generic.GetGenericArguments())
                        Add(found, argument);
            }
        }
        return found;
    }

    private static void Add(HashSet<Type> found, Type? type)
    {
        if (type is null || type.IsGenericParameter)
            return;
        if (type.HasElementType)
        {
            Add(found, type.GetElementType());
            return;
        }
        found.Add(type.IsGenericType ? type.GetGenericTypeDefinition() : type);
        foreach (var argument in type.GenericTypeArguments)
            Add(found, argument);
    }

    // ECMA-335, partition III: one or two bytes of operation, then an operand whose size the operation tells.
    private static IEnumerable<MemberInfo> Members(MethodBase method, byte[] code)
    {
        var typeArguments = method.DeclaringType is { IsGenericType: true } declaring ? declaring.GetGenericArguments() : null;
        var methodArguments = method.IsGenericMethod ? method.GetGenericArguments() : null;
        for (var place = 0; place < code.Length;)
        {
            var value = code[place] == 0xFE ? unchecked((short)(0xFE00 | code[place + 1])) : (short)code[place];
            var operation = OpCodes[value];
            place += operation.Size;
            if (operation.OperandType is OperandType.InlineField or OperandType.InlineMethod or OperandType.InlineTok or OperandType.InlineType)
                yield return method.Module.ResolveMember(Number(code, place), typeArguments, methodArguments)!;
            place += operation.OperandType switch
            {
                OperandType.InlineNone => 0,
                OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
                OperandType.InlineVar => 2,
                OperandType.InlineI8 or OperandType.InlineR => 8,
                OperandType.InlineSwitch => 4 + 4 * Number(code, place),
                _ => 4,
            };
        }
    }

    private static int Number(byte[] code, int place) => BinaryPrimitives.ReadInt32LittleEndian(code.AsSpan(place));
}
