using System.Security.Cryptography;
using System.Text;

namespace Agora.Nano.Exercises;

/// <summary>Who may use an exercise. The parts share no structure, so what a student is asked was in nobody's data, in whatever wording.</summary>
internal enum Part { Benchmark, Seeds, Corpus }

internal static class Parts
{
    /// <summary>The part that a structure belongs to: a fifth are benchmark items, three tenths seeds, the rest trains the embedded models.</summary>
    /// <remarks>By hash and not by draw, so that every writer comes to the same verdict without knowing of the others.</remarks>
    public static Part Of(string structure) => (SHA256.HashData(Encoding.UTF8.GetBytes(structure))[0] % 10) switch
    {
        < 2 => Part.Benchmark,
        < 5 => Part.Seeds,
        _ => Part.Corpus,
    };
}
