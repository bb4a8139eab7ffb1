"""
The classes of a process's first start, kept parsed and verified in an archive of the JVM's own (application class-data sharing, JEP 310), so that
the next start of the same process is sooner by the time that takes. What does not fit (another Java, another jar) the JVM leaves aside.
"""
import os
import subprocess
import threading

from .supervisor import end_with_parent

# By then a JobManager has its TaskManagers and jobs, and its host nothing better to do with ten seconds of one core.
STEADY_SECONDS = 120


def keep(spec, say, after=STEADY_SECONDS, stop=None):
    """Makes the archive of `spec` from a thread of its own, `after` seconds from now, unless there is one. Failing costs nothing but the gain."""
    stop = stop or threading.Event()

    def work():
        if not os.path.exists(spec.classes) and not stop.wait(after):
            made, how = dump(spec)
            say("the next start of %s finds its classes in an archive" % spec.name if made else "no archive of %s's classes: %s" % (spec.name, how))

    thread = threading.Thread(target=work, name="classes", daemon=True)
    thread.start()
    return thread


def dump(spec):
    """Whether there is an archive now, and what Java said. It runs only while no other process wants the core."""
    listed, names, made = spec.class_list(), spec.classes + ".names", spec.classes + ".new"
    try:
        with open(listed) as source, open(names, "w") as target:
            target.writelines(line for line in source if line.endswith("\n"))  # The process may be writing its last line.
    except OSError as error:
        return False, str(error)
    java, *options = spec.command
    command = [java, *_of_the_heap(options), "-Xshare:dump", "-XX:SharedClassListFile=" + names, "-XX:SharedArchiveFile=" + made,
               "-cp", options[options.index("-cp") + 1]]
    parent = os.getpid()
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          preexec_fn=lambda: (end_with_parent(parent), os.nice(19)))
    if done.returncode != 0 or not os.path.exists(made):
        return False, (done.stderr or done.stdout).strip()[-300:]
    os.rename(made, spec.classes)
    return True, ""


def _of_the_heap(options):
    """Size and collector decide how objects are addressed, which an archive has to share with the process that reads it."""
    return [option for option in options if option.startswith(("-Xm", "-XX:+Use", "-XX:-Use"))]
