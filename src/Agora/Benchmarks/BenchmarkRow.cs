using System.Collections.Immutable;
using System.Text.Json;

namespace Agora.Benchmarks;

/// <summary>One row; each reader of a member records its own fault and answers with an empty value, which is never used, as the file is refused.</summary>
internal sealed class BenchmarkRow(BenchmarkRows file, int line, JsonElement json)
{
    public int Line { get; } = line;

    public bool Has(string member) => json.TryGetProperty(member, out var value) && value.ValueKind != JsonValueKind.Null;

    /// <summary>A text that must be there and hold more than white space.</summary>
    public string Text(string member)
    {
        if (!Member(member, out var value))
            return "";
        var text = Read(value, member);
        if (text is not null && string.IsNullOrWhiteSpace(text))
            file.Fault(Line, $"\"{member}\" is empty");
        return text ?? "";
    }

    /// <summary>A text that may be absent or empty.</summary>
    public string OptionalText(string member) => Has(member) && Member(member, out var value) ? Read(value, member) ?? "" : "";

    /// <summary>A text that must be there, and may be empty.</summary>
    public string PresentText(string member) => Member(member, out var value) ? Read(value, member) ?? "" : "";

    /// <summary>The row's own identity: a string or a whole number, as ids come in both forms.</summary>
    public string Id(string member) => Name(member) is { Length: > 0 } id ? file.UniqueId(this, id) : "";

    /// <summary>An id that other rows may name too.</summary>
    public string Name(string member)
    {
        if (!Member(member, out var value))
            return "";
        var id = value.ValueKind == JsonValueKind.Number ? value.GetRawText() : Read(value, member);
        if (id is not null && string.IsNullOrWhiteSpace(id))
            file.Fault(Line, $"\"{member}\" is empty");
        return id ?? "";
    }

    /// <summary>A whole number; null, with a fault, where it is none.</summary>
    public int? Number(string member)
    {
        if (!Member(member, out var value))
            return null;
        if (value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number))
            return number;
        file.Fault(Line, $"\"{member}\" must be a whole number");
        return null;
    }

    /// <summary>Any finite number; null, with a fault, where it is none.</summary>
    public double? Real(string member)
    {
        if (!Member(member, out var value))
            return null;
        if (value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && double.IsFinite(number))
            return number;
        file.Fault(Line, $"\"{member}\" must be a number, not {BenchmarkRows.Kind(value)}");
        return null;
    }

    /// <summary>The elements of a list, whatever they are.</summary>
    public ImmutableArray<JsonElement> Elements(string member)
    {
        if (!Member(member, out var value))
            return [];
        if (value.ValueKind == JsonValueKind.Array)
            return [.. value.EnumerateArray()];
        file.Fault(Line, $"\"{member}\" must be a list, not {BenchmarkRows.Kind(value)}");
        return [];
    }

    public ImmutableArray<string> Texts(string member, bool mayBeEmpty = false)
    {
        if (!Member(member, out var value))
            return [];
        if (value.ValueKind != JsonValueKind.Array)
        {
            file.Fault(Line, $"\"{member}\" must be a list of texts, not {BenchmarkRows.Kind(value)}");
            return [];
        }
        if (value.GetArrayLength() == 0 && !mayBeEmpty)
            file.Fault(Line, $"\"{member}\" is empty");
        return [.. value.EnumerateArray().Select(element => Read(element, member) ?? "")];
    }

    public ImmutableArray<JsonElement> Objects(string member)
    {
        if (!Member(member, out var value))
            return [];
        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() == 0 || value.EnumerateArray().Any(e => e.ValueKind != JsonValueKind.Object))
        {
            file.Fault(Line, $"\"{member}\" must be a list of at least one object");
            return [];
        }
        return [.. value.EnumerateArray()];
    }

    /// <summary>A member of any kind; null where it is absent.</summary>
    public JsonElement? Json(string member) => Has(member) && json.TryGetProperty(member, out var value) ? value : null;

    public void Fault(string fault) => file.Fault(Line, fault);

    private bool Member(string member, out JsonElement value)
    {
        if (json.TryGetProperty(member, out value))
            return true;
        file.Fault(Line, $"no \"{member}\"; the row has {Members()}");
        return false;
    }

    private string Members()
    {
        try
        {
            var names = json.EnumerateObject().Take(12).Select(other => $"\"{other.Name}\"").ToArray();
            return names.Length == 0 ? "no members" : string.Join(", ", names);
        }
        catch (InvalidOperationException)
        {
            return "members with broken names";     // unpaired surrogates again
        }
    }

    /// <summary>A text wherever in the row it stands; null, with a fault, where it is none.</summary>
    /// <param name="member">For the fault.</param>
    public string? Read(JsonElement value, string member)
    {
        if (value.ValueKind != JsonValueKind.String)
        {
            file.Fault(Line, $"\"{member}\" must be text, not {BenchmarkRows.Kind(value)}");
            return null;
        }
        try
        {
            return value.GetString();
        }
        catch (InvalidOperationException)   // half of a surrogate pair, which no .NET string should carry on
        {
            file.Fault(Line, $"\"{member}\" holds an unpaired surrogate");
            return null;
        }
    }
}
