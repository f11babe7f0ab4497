using System.Collections;
using System.Globalization;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Agora.Experiments;

/// <summary>Writes an experiment as YAML, every default spelled out.</summary>
internal static class ExperimentWriter
{
    public static string Write(Experiment experiment)
    {
        using var text = new StringWriter(CultureInfo.InvariantCulture) { NewLine = "\n" };
        var emitter = new Emitter(text, EmitterSettings.Default.WithIndentedSequences().WithBestWidth(int.MaxValue));
        emitter.Emit(new StreamStart());
        emitter.Emit(new DocumentStart(null, null, isImplicit: true));
        Value(emitter, experiment);
        emitter.Emit(new DocumentEnd(isImplicit: true));
        emitter.Emit(new StreamEnd());
        return text.ToString();
    }

    private static void Value(Emitter emitter, object value)
    {
        var type = value.GetType();
        switch (value)
        {
            case string text:
                // Always quoted: no word of a user turns into a number, a truth value or nothing.
                emitter.Emit(new Scalar(AnchorName.Empty, TagName.Empty, text, ScalarStyle.DoubleQuoted, isPlainImplicit: false, isQuotedImplicit: true));
                break;
            case bool truth:
                Plain(emitter, truth ? "true" : "false");
                break;
            case IFormattable number when type.IsPrimitive || value is decimal:
                Plain(emitter, number.ToString(null, CultureInfo.InvariantCulture));
                break;
            case Enum or Setting:
                Plain(emitter, ExperimentMember.Word(value));
                break;
            case IDictionary map:
                Map(emitter, map);
                break;
            case IEnumerable list:
                List(emitter, list);
                break;
            default:
                Section(emitter, value, type);
                break;
        }
    }

    private static void Plain(Emitter emitter, string text) => emitter.Emit(new Scalar(text));

    private static void Section(Emitter emitter, object section, Type type)
    {
        emitter.Emit(new MappingStart());
        foreach (var member in ExperimentMember.Of(type))
        {
            if (member.Property.GetValue(section) is not { } value)
                continue;
            Plain(emitter, member.Key);
            Value(emitter, value);
        }
        emitter.Emit(new MappingEnd());
    }

    private static void Map(Emitter emitter, IDictionary map)
    {
        emitter.Emit(new MappingStart());
        foreach (DictionaryEntry member in map)
        {
            Value(emitter, member.Key);
            Value(emitter, member.Value!);
        }
        emitter.Emit(new MappingEnd());
    }

    private static void List(Emitter emitter, IEnumerable list)
    {
        emitter.Emit(new SequenceStart(AnchorName.Empty, TagName.Empty, isImplicit: true, SequenceStyle.Any));
        foreach (var item in list)
            Value(emitter, item!);
        emitter.Emit(new SequenceEnd());
    }
}
