# bash completion for moss: the program knows what may stand at each place.
_moss() {
	local line words prefix=
	# Bash splits words at "=" and ":"; the program wants them whole.
	_get_comp_words_by_ref -n =: -w words -i cword 2>/dev/null ||
		{ words=("${COMP_WORDS[@]}"); local cword=$COMP_CWORD; }
	local cur=${words[cword]}
	COMPREPLY=()
	while IFS= read -r line; do
		case $line in
		:file | :dir)
			case $cur in --*=*) prefix=${cur%%=*}=; esac
			local kind=-f
			[ "$line" = :dir ] && kind=-d
			mapfile -t COMPREPLY < <(compgen "$kind" -P "$prefix" -- "${cur#"$prefix"}")
			compopt -o filenames 2>/dev/null
			;;
		*) COMPREPLY+=("${line%%$'\t'*}") ;;
		esac
	done < <("${words[0]}" __complete -- "${words[@]:1:cword}" 2>/dev/null)
	# What stands before the last ":" or "=" is not part of bash's word.
	local cut=${cur%"${cur##*[:=]}"} i
	[ -n "$cut" ] && for i in "${!COMPREPLY[@]}"; do COMPREPLY[i]=${COMPREPLY[i]#"$cut"}; done
}
complete -F _moss moss
