"""The commands that start Flink's processes."""
import contextlib
import io
import os
import shutil
import subprocess
import tempfile
import unittest
import unittest.mock
import zipfile

from sluice_node import flink, volume

CONFIG = '''env.java.opts.all: "-XX:+UseSerialGC"
env.java.opts.taskmanager: "-Da=b -Dc=d"
pipeline.name: "a \\"quoted\\" name: with a colon"
taskmanager.numberOfTaskSlots: "2"
'''


def dynamic(command):
    """The -D settings after the main class."""
    tail = command[command.index("--configDir"):]
    return dict(value.split("=", 1) for option, value in zip(tail, tail[1:]) if option == "-D")


class FlinkTest(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.root = temporary.name
        for folder in ("image/lib", "conf", "log", "state"):
            os.makedirs(os.path.join(self.root, folder))
        for jar in ("flink-cep-2.3.0.jar", "flink-dist-2.3.0.jar", "log4j-api.jar", "a-users.jar", "README"):
            open(os.path.join(self.root, "image", "lib", jar), "w").close()
        with open(os.path.join(self.root, "conf", "config.yaml"), "w") as stream:
            stream.write(CONFIG)
        self.installation = flink.Installation(
            image=self.root + "/image", java="/usr/bin/java", config=self.root + "/conf", state=self.root + "/state", logs=self.root + "/log",
            log4j=self.root + "/conf/log4j.properties")
        memory = unittest.mock.patch.object(flink, "memory_parameters", return_value=(["-Xmx1g"], ["-D", "taskmanager.memory.managed.size=1b"]))
        memory.start()
        self.addCleanup(memory.stop)

    def test_each_task_manager_has_an_address_a_name_and_directories_of_its_own(self):
        first, second = flink.task_managers(self.installation, "i-1", ["10.0.0.4", "10.0.0.5"])
        self.assertEqual(["taskmanager-1", "taskmanager-2"], [first.name, second.name])
        self.assertEqual({
            "taskmanager.memory.managed.size": "1b", "taskmanager.host": "10.0.0.5", "taskmanager.bind-host": "10.0.0.5", "taskmanager.resource-id": "i-1-2",
            "process.working-dir": self.root + "/state/taskmanager-2", "io.tmp.dirs": self.root + "/state/taskmanager-2/tmp",
            "taskmanager.log.path": self.root + "/log/taskmanager-2.log"}, dynamic(second.command))

    def test_an_image_without_the_storage_of_checkpoints_that_is_asked_for_uses_flinks_own(self):
        with open(os.path.join(self.root, "conf", "config.yaml"), "a") as stream:
            stream.write('execution.checkpointing.storage: "sluice.ha.FencedStorageFactory"\n')

        def storages():
            specs = flink.task_managers(self.installation, "i-1", ["10.0.0.4"]) + flink.job_manager(self.installation, "i-1", "10.0.0.9")
            return [dynamic(spec.command).get("execution.checkpointing.storage") for spec in specs]

        jar = os.path.join(self.root, "image", "lib", "sluice-ha.jar")
        with contextlib.redirect_stdout(io.StringIO()) as said:
            self.assertEqual(["filesystem", "filesystem"], storages())
            with zipfile.ZipFile(jar, "w") as archive:
                archive.writestr("sluice/ha/Fence.class", "")
            self.assertEqual(["filesystem", "filesystem"], storages())
        self.assertIn("npm run artifacts", said.getvalue())
        with zipfile.ZipFile(jar, "w") as archive:
            archive.writestr("sluice/ha/FencedStorageFactory.class", "")
        self.assertEqual([None, None], storages())

    def test_no_process_has_the_system_property_that_makes_rocksdb_log_under_names_too_long(self):
        for spec in flink.task_managers(self.installation, "i-1", ["10.0.0.4"]) + flink.job_manager(self.installation, "i-1", "10.0.0.9"):
            self.assertFalse(any(part.startswith("-Dlog.file=") for part in spec.command))

    def test_each_process_lists_its_classes_until_there_is_an_archive_for_its_kind(self):
        specs = flink.task_managers(self.installation, "i-1", ["10.0.0.4", "10.0.0.5"]) + flink.job_manager(self.installation, "i-1", "10.0.0.9")
        for spec, working in zip(specs, ("StreamTask", "StreamTask", "JobMaster")):
            self.assertRegex(spec.working_class, "/%s$" % working)
            self.assertEqual(os.path.join(self.root, "state", spec.name, "classes.list"), spec.class_list())
            self.assertIn("-XX:DumpLoadedClassList=" + spec.class_list(), spec.command_line())
            self.assertTrue(any(option.startswith("-Xlog:class+load=debug:file=%s:" % spec.class_log()) for option in spec.command_line()))
        self.assertEqual(2, len({spec.classes for spec in specs}))
        for spec in specs:
            open(spec.classes, "w").close()
            self.assertEqual([spec.command[0], "-Xshare:auto", "-XX:SharedArchiveFile=" + spec.classes, *spec.command[1:]], spec.command_line())

    def test_an_archive_has_another_name_where_the_jvm_would_not_take_it(self):
        def name():
            return os.path.basename(flink.archive_path(self.installation, "taskmanager"))

        def configure(line):
            with open(os.path.join(self.root, "conf", "config.yaml"), "w") as stream:
                stream.write(CONFIG + line)

        jar, plugin = os.path.join(self.root, "image", "lib", "a-users.jar"), os.path.join(self.root, "image", "plugins", "s3", "s3.jar")
        os.utime(jar, (1e9, 1e9))
        os.makedirs(os.path.dirname(plugin))
        first = name()
        self.assertRegex(first, r"^taskmanager-[0-9a-f]{24}\.jsa$")
        for change, back in (
                (lambda: os.utime(jar, (1e9, 2e9)), lambda: os.utime(jar, (1e9, 1e9))),
                (lambda: os.truncate(jar, 3), lambda: (os.truncate(jar, 0), os.utime(jar, (1e9, 1e9)))),
                (lambda: open(plugin, "w").close(), lambda: os.remove(plugin)),
                (lambda: configure('taskmanager.memory.process.size: "1g"\n'), lambda: configure("")),
                (lambda: configure('env.java.opts.all: "-XX:+UseG1GC"\n'), lambda: configure(""))):
            change()
            self.assertNotEqual(first, name())
            back()
            self.assertEqual(first, name())
        # What another epoch, host or time changes.
        configure('jobmanager.rpc.address: "10.0.0.9"\njobmanager.memory.process.size: "1g"\n')
        os.utime(jar, (2e9, 1e9))
        self.assertEqual(first, name())

    def test_the_job_manager_listens_on_its_own_address_only(self):
        (spec,) = flink.job_manager(self.installation, "i-1", "10.0.0.9")
        found = dynamic(spec.command)
        self.assertEqual(("10.0.0.9", "10.0.0.9"), (found["jobmanager.bind-host"], found["rest.bind-address"]))
        self.assertIn(flink.JOB_MANAGER, spec.command)

    def test_a_job_manager_is_known_by_its_own_address_whichever_of_them_the_configuration_names(self):
        (spec,) = flink.job_manager(self.installation, "i-2", "10.0.0.11")
        found = dynamic(spec.command)
        self.assertEqual(("10.0.0.11", "10.0.0.11", "i-2"), (found["jobmanager.rpc.address"], found["rest.address"], found["jobmanager.resource-id"]))

    def test_java_options_of_the_configuration_reach_the_processes_they_are_for(self):
        (task_manager,) = flink.task_managers(self.installation, "i-1", ["10.0.0.4"])
        (job_manager,) = flink.job_manager(self.installation, "i-1", "10.0.0.9")
        self.assertTrue({"-XX:+UseSerialGC", "-Da=b", "-Dc=d"} <= set(task_manager.command))
        self.assertTrue("-XX:+UseSerialGC" in job_manager.command and "-Da=b" not in job_manager.command)

    def test_no_process_keeps_an_address_of_s3_for_ever(self):
        for spec in flink.task_managers(self.installation, "i-1", ["10.0.0.4"]) + flink.job_manager(self.installation, "i-1", "10.0.0.9"):
            self.assertLess(spec.command.index("-Dsun.net.inetaddr.ttl=5"), spec.command.index("-cp"))

    def test_each_process_has_patience_for_instance_metadata_while_others_start_beside_it(self):
        for spec in flink.task_managers(self.installation, "i-1", ["10.0.0.4"]) + flink.job_manager(self.installation, "i-1", "10.0.0.9"):
            self.assertEqual("5", spec.environment["AWS_METADATA_SERVICE_TIMEOUT"])

    def test_flinks_own_jar_comes_last_on_the_class_path(self):
        names = [os.path.basename(path) for path in self.installation.classpath().split(":")]
        self.assertEqual(["a-users.jar", "flink-cep-2.3.0.jar", "log4j-api.jar", "flink-dist-2.3.0.jar"], names)

    def test_processes_find_plugins_and_the_sql_gateway_through_their_environment(self):
        (spec,) = flink.job_manager(self.installation, "i-1", "10.0.0.9")
        self.assertEqual((self.root + "/image/plugins", self.root + "/image/opt"), (spec.environment["FLINK_PLUGINS_DIR"], spec.environment["FLINK_OPT_DIR"]))

    def test_quoted_values_of_the_configuration_are_read_as_flink_reads_them(self):
        self.assertEqual('a "quoted" name: with a colon', flink.read_settings(self.root + "/conf/config.yaml")["pipeline.name"])


class MemoryTest(unittest.TestCase):
    def installation(self, directory, script):
        java = os.path.join(directory, "java")
        with open(java, "w") as stream:
            stream.write("#!/bin/sh\n" + script)
        os.chmod(java, 0o755)
        os.mkdir(os.path.join(directory, "lib"))
        return flink.Installation(directory, java, directory, directory, directory, directory)

    def test_flags_and_settings_are_what_flinks_own_tool_says(self):
        with tempfile.TemporaryDirectory() as directory:
            found = flink.memory_parameters(self.installation(
                directory, 'echo noise\necho "BASH_JAVA_UTILS_EXEC_RESULT:-Xmx1 -Xms1"\necho "BASH_JAVA_UTILS_EXEC_RESULT:-D a=1b"\n'), "TM")
        self.assertEqual((["-Xmx1", "-Xms1"], ["-D", "a=1b"]), found)

    def test_sizes_that_flink_refuses_are_reported_in_flinks_words(self):
        with tempfile.TemporaryDirectory() as directory, self.assertRaisesRegex(flink.FlinkError, "exceed configured Total"):
            flink.memory_parameters(self.installation(directory, "echo 'sizes exceed configured Total Process Memory' >&2\nexit 1\n"), "TM")


class VolumeTest(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.root = temporary.name
        self.said = []
        for name, device in (("nvme-Amazon_Elastic_Block_Store_vol1", "nvme0n1"), ("nvme-Amazon_Elastic_Block_Store_vol1-part1", "nvme0n1p1"),
                             ("nvme-Amazon_Elastic_Block_Store_vol2", "nvme2n1"), ("nvme-Amazon_EC2_NVMe_Instance_Storage_AWS1", "nvme1n1"),
                             ("nvme-Amazon_EC2_NVMe_Instance_Storage_AWS1-ns-1", "nvme1n1"), ("nvme-Amazon_EC2_NVMe_Instance_Storage_AWS0", "nvme3n1")):
            os.symlink(os.path.join(self.root, device), os.path.join(self.root, name))

    def test_local_disks_and_network_volumes_are_told_apart_and_partitions_are_left_alone(self):
        # By their serial numbers, which stay when the kernel counts them otherwise.
        self.assertEqual([["nvme3n1", "nvme1n1"], ["nvme0n1", "nvme2n1"]], [[os.path.basename(disk) for disk in kind] for kind in volume.disks(self.root)])

    def test_a_machine_without_such_disks_keeps_state_on_its_root_volume(self):
        self.assertEqual(([], []), volume.disks(os.path.join(self.root, "nothing")))

    def test_mounted_and_partitioned_disks_are_not_free(self):
        mounts = os.path.join(self.root, "mounts")
        with open(mounts, "w") as stream:
            stream.write("/dev/nvme0n1p1 / xfs rw 0 0\n")
        for name in ("nvme0n1/nvme0n1p1", "nvme1n1/queue", "nvme3n1/nvme3n1p1"):
            os.makedirs(os.path.join(self.root, "blocks", name))
        free = [name for name in ("nvme0n1", "nvme1n1", "nvme3n1") if volume.free("/dev/" + name, mounts, os.path.join(self.root, "blocks"))]
        self.assertEqual(["nvme1n1"], free)

    def commands(self, file_system, header="Filesystem state:         clean\n", local=("/dev/nvme1n1",), network=("/dev/nvme2n1",), refuses=None):
        """What is run on a host whose local disks have 1,000,000,000 sectors and more each."""
        commands = []

        def run(*command):
            commands.append(command)
            if command[0] == refuses:
                raise subprocess.CalledProcessError(1, command, stderr="no such device")
            return header if command[0] == "dumpe2fs" else file_system
        with unittest.mock.patch("os.geteuid", return_value=0), unittest.mock.patch.object(volume, "disks", return_value=(list(local), list(network))), \
                unittest.mock.patch.object(volume, "free", return_value=True), unittest.mock.patch.object(volume, "DEVICES", self.root), \
                unittest.mock.patch.object(volume, "sectors", side_effect=lambda disk: 1_000_000_000 + int(disk[-3])):
            volume.state_directory(self.root, self.said.append, run)
        return commands

    def state(self, *arguments):
        return [command[0] for command in self.commands(*arguments)]

    def test_a_new_disk_is_formatted_and_mounted(self):
        self.assertEqual(["lsblk", "mkfs.ext4", "mount"], self.state("\n"))

    def test_a_disk_with_a_file_system_is_mounted_as_it_is_so_that_a_reboot_keeps_local_state(self):
        self.assertEqual(["lsblk", "dumpe2fs", "mount"], self.state("ext4\n"))
        self.assertEqual(["lsblk", "mount"], self.state("xfs\n"))

    def test_a_disk_that_was_in_use_when_the_machine_crashed_is_formatted_anew(self):
        for state in ("not clean", "clean with errors", "not clean with errors"):
            header = "Filesystem features:      extent\nFilesystem state:         %s\nErrors behavior:          Continue\n" % state
            self.assertEqual(["lsblk", "dumpe2fs", "mkfs.ext4", "mount"], self.state("ext4\n", header))

    def test_a_local_disk_is_preferred_to_a_network_volume(self):
        self.assertEqual("/dev/nvme1n1", self.commands("xfs\n")[-1][-2])
        self.assertEqual("/dev/nvme2n1", self.commands("xfs\n", local=())[-1][-2])

    def test_all_local_disks_are_one_device(self):
        create, *others = self.commands("\n", local=("/dev/nvme2n1", "/dev/nvme1n1"))
        self.assertEqual(("dmsetup", "create", "sluice-state", "--table"), create[:-1])
        # The same of each disk, in whole chunks, and none of what lies before the offset.
        self.assertEqual("0 1999994880 striped 2 1024 /dev/nvme2n1 2048 /dev/nvme1n1 2048", create[-1])
        device = os.path.join(self.root, "sluice-state")
        self.assertEqual(["lsblk", "mkfs.ext4", "mount"], [command[0] for command in others])
        self.assertTrue(all(device in command for command in others))
        self.assertEqual([], self.said)

    def test_a_device_that_is_there_already_is_used_as_it_is(self):
        open(os.path.join(self.root, "sluice-state"), "w").close()
        self.assertEqual(["lsblk", "dumpe2fs", "mount"], [command[0] for command in self.commands("ext4\n", local=("/dev/nvme1n1", "/dev/nvme2n1"))])

    def test_a_machine_that_cannot_join_its_disks_uses_one_and_says_so(self):
        commands = self.commands("\n", local=("/dev/nvme2n1", "/dev/nvme1n1"), refuses="dmsetup")
        self.assertEqual(["dmsetup", "lsblk", "mkfs.ext4", "mount"], [command[0] for command in commands])
        self.assertEqual("/dev/nvme2n1", commands[-1][-2])
        self.assertEqual(["of 2 local disks one is used, the others cannot be joined: no such device"], self.said)

    def test_a_table_takes_of_each_disk_what_the_smallest_one_has_in_whole_chunks(self):
        for sizes in ((volume.OFFSET + volume.CHUNK,) * 2, (3_710_937_500, 3_710_937_501, 3_710_940_000), (10_000, 20_000_000_000)):
            _, total, _, count, chunk, *parts = volume.table({"/dev/d%d" % number: size for number, size in enumerate(sizes)}).split()
            each = int(total) // len(sizes)
            self.assertEqual((len(sizes), 0, 0), (int(count), int(total) % (len(sizes) * int(chunk)), each % int(chunk)))
            self.assertEqual([str(volume.OFFSET)] * len(sizes), parts[1::2])
            self.assertTrue(min(sizes) - int(chunk) < int(parts[1]) + each <= min(sizes))

    def test_the_size_of_a_disk_is_the_kernels(self):
        os.mkdir(os.path.join(self.root, "nvme1n1"))
        with open(os.path.join(self.root, "nvme1n1", "size"), "w") as stream:
            stream.write("3710937500\n")
        self.assertEqual(3_710_937_500, volume.sectors("/dev/nvme1n1", self.root))

    @unittest.skipUnless(shutil.which("mkfs.ext4") and shutil.which("dumpe2fs"), "needs e2fsprogs")
    def test_a_file_system_that_was_just_made_is_clean(self):
        disk = os.path.join(self.root, "disk")
        with open(disk, "wb") as stream:
            stream.truncate(16 << 20)
        subprocess.run([*volume.MAKE, disk], check=True)
        self.assertFalse(volume.unclean(subprocess.run(["dumpe2fs", "-h", disk], check=True, capture_output=True, text=True).stdout))
