process.stderr.write('npm run bench: not there yet\n');
process.exit(2);
