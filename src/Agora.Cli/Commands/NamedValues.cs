using Agora.Experiments;

namespace Agora.Cli.Commands;

/// <summary>Options of the form NAME=VALUE.</summary>
internal static class NamedValues
{
    /// <exception cref="AgoraException">A value has another form, or a name stands twice.</exception>
    public static Dictionary<string, string> Read(string option, IEnumerable<string>? values)
    {
        var read = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var value in values ?? [])
        {
            var equals = value.IndexOf('=');
            if (equals <= 0 || equals == value.Length - 1)
                throw new AgoraException($"\"{value}\" is not NAME=VALUE", option, $"write {option} gsm8k=...") { ExitCode = ExitCodes.Usage };
            if (!read.TryAdd(value[..equals], value[(equals + 1)..]))
                throw new AgoraException($"{value[..equals]} is given twice", option, "give each benchmark once") { ExitCode = ExitCodes.Usage };
        }
        return read;
    }
}
