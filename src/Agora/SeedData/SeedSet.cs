using System.Collections.Immutable;
using System.Globalization;
using Agora.Experiments;

namespace Agora.SeedData;

/// <summary>Identity of a seed row: its place in its set, <c>math.jsonl:17</c>.</summary>
public readonly record struct SeedId(string Value)
{
    public override string ToString() => Value;
}

/// <summary>A row that a method starts from.</summary>
/// <param name="Response">Null where the method needs the instruction alone.</param>
public sealed record SeedInstance(SeedId Id, string Instruction, string? Response);

/// <summary>Rows in file order.</summary>
public sealed record SeedSet(ImmutableArray<SeedInstance> Instances)
{
    /// <summary>Reads the rows of a file; also the way in for training data from elsewhere.</summary>
    /// <param name="requireResponse">Every row must have a response that is not empty; else responses are read where there are some.</param>
    /// <exception cref="AgoraException">The file is missing, damaged or empty, or has bad rows: all of them are listed with their lines.</exception>
    public static SeedSet Load(DataSource source, bool requireResponse)
    {
        TextColumn[] columns = [new(source.InstructionColumn), new(source.ResponseColumn, requireResponse)];
        var name = Path.GetFileName(source.File);
        var instances = ImmutableArray.CreateBuilder<SeedInstance>();
        var bad = new List<FileRow.Bad>();
        foreach (var row in RowReader.Read(source.File, columns))
        {
            if (instances.Count + bad.Count == source.Limit) break;
            if (row is FileRow.Good good)
                instances.Add(new SeedInstance(new SeedId(string.Create(CultureInfo.InvariantCulture, $"{name}:{good.Number}")), good.Values[0]!, good.Values[1]));
            else
                bad.Add((FileRow.Bad)row);
        }
        if (bad.Count > 0) throw BadRows.Error(source.File, bad, instances.Count);
        if (instances.Count == 0)
            throw new AgoraException("the file has no rows", source.File, "give a file with at least one row") { ExitCode = 2 };
        return new SeedSet(instances.DrainToImmutable());
    }
}
