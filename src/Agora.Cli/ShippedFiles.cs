using Agora.Experiments;

namespace Agora.Cli;

/// <summary>Files that come with Agora: beside the program where it is installed as a tool, above it in a checkout.</summary>
internal static class ShippedFiles
{
    public static string PathOf(params ReadOnlySpan<string> parts)
    {
        var relative = Path.Combine(parts);
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (Path.Combine(folder.FullName, relative) is var path && Path.Exists(path))
                return path;
        throw new AgoraException($"{relative} is missing", AppContext.BaseDirectory, "install Agora again, or run it from a checkout");
    }
}
