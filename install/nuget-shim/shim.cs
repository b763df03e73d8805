// The plugin for .NET SDKs older than 9.0.200, which start nothing but a managed program from
// ~/.nuget/plugins/netcore. It gives its place to the native program that is linked beside it.

using System;
using System.Diagnostics;
using System.IO;
using System.Runtime.InteropServices;

internal static class Shim
{
    private const string Name = "nuget-plugin-valetkey";
    private const int SigPipe = 13;

    [DllImport("libc")]
    private static extern IntPtr signal(int number, IntPtr handler);

    [DllImport("libc", CharSet = CharSet.Ansi)]
    private static extern int execv(string path, string[] arguments);

    private static int Main(string[] arguments)
    {
        bool unix = Path.DirectorySeparatorChar == '/';
        string program = Path.Combine(AppDomain.CurrentDomain.BaseDirectory, unix ? Name : Name + ".exe");
        if (unix && File.Exists(program))
        {
            TakeItsPlace(program, arguments);
        }
        return RunIt(program, arguments);
    }

    // Same process, same pipes: NuGet speaks to the native program itself. Comes back only where that failed.
    private static void TakeItsPlace(string program, string[] arguments)
    {
        string[] list = new string[arguments.Length + 2];
        list[0] = program;
        arguments.CopyTo(list, 1);
        try
        {
            // The runtime ignores the signal, and the next program would inherit that.
            signal(SigPipe, IntPtr.Zero);
            execv(program, list);
        }
        catch (DllNotFoundException)
        {
        }
        catch (EntryPointNotFoundException)
        {
        }
    }

    private static int RunIt(string program, string[] arguments)
    {
        ProcessStartInfo start = new ProcessStartInfo(program, string.Join(" ", arguments));
        start.UseShellExecute = false;
        try
        {
            using (Process process = Process.Start(start))
            {
                process.WaitForExit();
                return process.ExitCode;
            }
        }
        catch (Exception error)
        {
            Console.Error.WriteLine("nuget-plugin-valetkey: " + error.Message + "; run `valetkey setup nuget` again");
            return 1;
        }
    }
}
